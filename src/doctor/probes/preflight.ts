import type { Probe } from '../probe.js'
import type { Answer, Target } from '../target.js'

export const preflight: Probe = {
  name: 'a preflight request',
  why: 'A browser that may not ask cannot log out; a logout for every origin can be called by any page.',
  clause: 'OWASP ASVS 5.0 3.4.2, 3.5.2, Fetch standard (CORS-preflight fetch)',
  needs: [],
  async run(target) {
    return [...(await strangers(target)), ...(await pagesOf(target))]
  },
}

// `null` is the origin of sandboxed frames and local files of any page.
const strangeOrigins = ['https://stranger.example', 'null']

/** Origins that may call the logout with the cookies of a browser. */
async function strangers(target: Target): Promise<string[]> {
  const allowed: string[] = []
  for (const origin of strangeOrigins) {
    const { headers } = await target.preflight(origin)
    const isAllowed = headers.get('access-control-allow-origin') === origin
    if (isAllowed && headers.get('access-control-allow-credentials') === 'true')
      allowed.push(`the logout allows the origin ${origin}, with credentials`)
  }
  return allowed
}

/** Whether the pages of the configured origin may call the logout. */
async function pagesOf(target: Target): Promise<string[]> {
  const { origin } = target
  if (origin === undefined) {
    target.note('Without `origin` the preflight request was tried for foreign origins alone.')
    return []
  }
  const answer = await target.preflight(origin)
  return allows(answer, origin)
    ? []
    : [`a page of ${origin} may not call the logout: the preflight request answered ${answer.said}`]
}

function allows({ isIn, headers }: Answer, origin: string): boolean {
  const lists = (name: string, wanted: string) =>
    (headers.get(name) ?? '')
      .split(',')
      .some((item) => [wanted, '*'].includes(item.trim().toLowerCase()))
  return (
    isIn &&
    lists('access-control-allow-origin', origin) &&
    // `*` does not stand for this field (Fetch standard, CORS-preflight fetch).
    /\bauthorization\b/i.test(headers.get('access-control-allow-headers') ?? '')
  )
}
