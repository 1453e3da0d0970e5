import { ServiceError } from '../../errors.js'

/** Id and secret of a machine client, as a request presents them. */
export type Credentials = Readonly<{ id: string; secret: string }>

/**
 * The credentials of a request, by HTTP Basic or by its form (RFC 6749 §2.3.1).
 *
 * @param authorization every `Authorization` line
 * @returns `undefined` when there are none, or when they cannot be read
 * @throws ServiceError `bad_request` when a request presents credentials twice
 */
export function clientCredentials(
  authorization: readonly string[],
  form: Readonly<Record<string, unknown>> = {},
): Credentials | undefined {
  const { client_id: id, client_secret: secret } = form
  const posted = typeof id === 'string' && typeof secret === 'string' ? { id, secret } : undefined
  const [line, ...more] = authorization
  if (line === undefined) return posted
  if (posted !== undefined || more.length > 0)
    throw new ServiceError('bad_request', { reason: 'two_credentials' })
  return parseBasic(line)
}

/** Id and secret of a `Basic` line. Each was form-encoded, then both were joined by a colon. */
export function parseBasic(line: string): Credentials | undefined {
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
