import { ServiceError, type Reason } from '../errors.js'

const bearer = /^bearer +(?=\S)/i
const bearerOrDpop = /^(?:bearer|dpop) +(?=\S)/i

/** Whether the scheme `DPoP` (RFC 9449 §7.1) is accepted like `Bearer`. No proof is checked. */
export type Schemes = Readonly<{ dpop?: boolean }>

/**
 * The token of an `Authorization` header (RFC 6750 §2.1): one line, the scheme in any case, then
 * one or more spaces.
 *
 * @param lines every `Authorization` line; Node's own `headers` keep only the first
 * @throws ServiceError `token_missing` when there is no access token, `invalid_token` when there
 * are two
 */
export function bearerToken(lines: readonly string[], { dpop = false }: Schemes = {}): string {
  const scheme = dpop ? bearerOrDpop : bearer
  if (!lines.some((line) => scheme.test(line)))
    throw new ServiceError('token_missing', { reason: 'no_credentials' })
  const [line = '', ...more] = lines
  if (more.length > 0) throw new ServiceError('invalid_token', { reason: 'two_credentials' })
  return line.slice(scheme.exec(line)?.[0].length ?? line.length)
}

const realm = 'realm="cierre"'
const invalid = 'The access token is malformed, invalid or revoked'

/**
 * `WWW-Authenticate` of a 401 or 403. It names no error when the request had no access token (RFC
 * 6750 §3.1).
 */
export function bearerChallenge(lines: readonly string[], reason?: Reason): string {
  if (reason === 'no_credentials' || !lines.some((line) => bearerOrDpop.test(line)))
    return `Bearer ${realm}`
  return `Bearer ${realm}, error="invalid_token", error_description="${reason === 'expired' ? 'The access token expired' : invalid}"`
}

/**
 * `WWW-Authenticate` for a sender-constrained token that was sent as a bearer token (RFC 9449 §7.1,
 * §7.2; RFC 8705 §3).
 */
export const senderConstrainedChallenge = (isDpopBound: boolean): string =>
  `${isDpopBound ? 'DPoP' : 'Bearer'} ${realm}, error="invalid_token", error_description="The access token is sender-constrained"`

/**
 * `WWW-Authenticate` for an operation that demands a sender-constrained token with its proof (RFC
 * 9449 §7.1).
 */
export const proofChallenge = `DPoP ${realm}, error="invalid_dpop_proof", error_description="Only a proof of possession allows this"`
