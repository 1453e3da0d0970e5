import { createHash, randomBytes } from 'node:crypto'

/** A minimal browser: it keeps cookies, follows redirects within one origin, and submits forms. */
export function createBrowser(origin: string) {
  const jar = new Map<string, string>()
  const visit = async (
    url: string,
    form?: Record<string, string>,
  ): Promise<{ url: string; text: string }> => {
    let next = new URL(url, origin).href
    let body = form
    for (let hops = 0; hops < 10; hops += 1) {
      const response = await fetch(next, {
        redirect: 'manual',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body && { method: 'POST', body: new URLSearchParams(body) }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        jar.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status > 399)
        return { url: next, text: await response.text() }
      next = new URL(location, next).href
      body = undefined
      if (!next.startsWith(origin)) return { url: next, text: '' }
    }
    throw new Error('too many redirects')
  }
  return { visit }
}

/** The fields of the first form of a page. */
export const fieldsOf = (html: string) => ({
  action: /<form[^>]* action="([^"]+)"/.exec(html)?.[1] ?? '',
  hidden: Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name, value]) => [name, value],
    ),
  ) as Record<string, string>,
})

export function pkce() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
