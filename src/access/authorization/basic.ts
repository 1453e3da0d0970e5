/** Id and secret of a machine client, as a request presents them. */
export type Secret = Readonly<{ id: string; secret: string }>

/** Id and secret of a `Basic` line. Each was form-encoded, then both were joined by a colon. */
export function parseBasic(line: string): Secret | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(line) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1) return undefined
  try {
    return {
      id: formDecoded(text.slice(0, colon)),
      secret: formDecoded(text.slice(colon + 1)),
    }
  } catch {
    // A stray percent sign is no form encoding.
    return undefined
  }
}

const formDecoded = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
