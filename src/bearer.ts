import { ServiceError } from './errors.js'

const bearer = /^bearer +(?=\S)/i

/**
 * The token of an `Authorization` header (RFC 6750 §2.1): one line, the scheme in any case, one or more spaces.
 *
 * @param lines every `Authorization` line; Node by itself keeps the first and hides the rest
 * @throws ServiceError `token_missing` when nobody sent a bearer token, `invalid_token` when two were sent
 */
export function bearerToken(lines: readonly string[]): string {
  if (!sentBearer(lines)) throw new ServiceError('token_missing', { reason: 'no_credentials' })
  const [line = '', ...more] = lines
  if (more.length > 0) throw new ServiceError('invalid_token', { reason: 'two_credentials' })
  return line.slice(bearer.exec(line)?.[0].length ?? line.length)
}

/** Whether credentials of this scheme were sent at all, however bad. */
export const sentBearer = (lines: readonly string[]): boolean => lines.some((line) => bearer.test(line))

const descriptions = { 401: 'The access token is malformed, invalid or revoked', 403: 'The access token has expired' } as const

/** `WWW-Authenticate` of a 401 or 403. Who sent no credentials is told no error (RFC 6750 §3.1). */
export function bearerChallenge(status: 401 | 403, lines: readonly string[]): string {
  const realm = 'Bearer realm="cierre"'
  return sentBearer(lines) ? `${realm}, error="invalid_token", error_description="${descriptions[status]}"` : realm
}
