import { ServiceError } from '../../errors.js'

/** Id and secret of a machine client, as a request presents them. */
export type Credentials = Readonly<{ id: string; secret: string }>

/**
 * The credentials of a request, by HTTP Basic or by its form (RFC 6749 §2.3.1). Beside HTTP Basic a
 * form may still have the `client_id` of the same client.
 *
 * @param authorization every `Authorization` line
 * @returns `undefined` when there are none, or when they cannot be read
 * @throws ServiceError `bad_request` when a request presents credentials twice, or names two clients
 */
export function clientCredentials(
  authorization: readonly string[],
  form: Readonly<Record<string, unknown>> = {},
): Credentials | undefined {
  const [id, secret] = [textOf(form['client_id']), textOf(form['client_secret'])]
  const [line, ...more] = authorization
  if (line === undefined)
    return id === undefined || secret === undefined ? undefined : { id, secret }
  const credentials = parseBasic(line)
  const isContradicted = id !== undefined && credentials !== undefined && id !== credentials.id
  if (secret !== undefined || isContradicted || more.length > 0)
    throw new ServiceError('bad_request', { reason: 'two_credentials' })
  return credentials
}

/** A member without a value counts as left out (RFC 6749 §3.2). */
const textOf = (member: unknown) =>
  typeof member === 'string' && member !== '' ? member : undefined

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
