import { ServiceError, type Reason } from '../errors.js'

const bearer = /^bearer +(?=\S)/i
const bearerOrDpop = /^(?:bearer|dpop) +(?=\S)/i

/** Whether the scheme `DPoP` (RFC 9449 §7.1) is accepted like `Bearer`. No proof is checked. */
export type Schemes = Readonly<{ dpop?: boolean }>

/** Whether an `Authorization` line carries an access token, as `Bearer` or as `DPoP`. */
export const hasAccessToken = (line: string): boolean => bearerOrDpop.test(line)

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

/** What a refused request is told: the scheme, and the error unless it had no access token. */
export type Challenge = Readonly<{
  scheme: 'Bearer' | 'DPoP'
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof'
  description?: string
}>

/** What an API adds to its challenges (RFC 6750 §3, RFC 9728 §5.1). */
export type ChallengeParameters = Readonly<{
  /** `cierre` unless given. */
  realm?: string | undefined
  scope?: string | undefined
  resourceMetadata?: string | undefined
}>

/** `WWW-Authenticate`: the challenge as RFC 9110 §11.6.1 writes it. */
export function writeChallenge(challenge: Challenge, given: ChallengeParameters = {}): string {
  const parameters = {
    realm: given.realm ?? 'cierre',
    error: challenge.error,
    error_description: challenge.description,
    scope: given.scope,
    resource_metadata: given.resourceMetadata,
  }
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, '\\$&')}"`],
  )
  return `${challenge.scheme} ${written.join(', ')}`
}

/**
 * The challenge of a 401 or 403. It names no error when the request had no access token (RFC 6750
 * §3.1).
 */
export function bearerChallengeFor(lines: readonly string[], reason?: Reason): Challenge {
  if (reason === 'no_credentials' || !lines.some(hasAccessToken)) return { scheme: 'Bearer' }
  return {
    scheme: 'Bearer',
    error: 'invalid_token',
    description: descriptions[reason ?? ''] ?? 'The access token is malformed, invalid or revoked',
  }
}

/** What a caller is told of a token that may be good elsewhere, where it is shorter than the limit. */
export const tooLongDescription = 'The token is too long to be checked here'

const descriptions: Readonly<Record<string, string>> = {
  expired: 'The access token expired',
  too_long: tooLongDescription,
}

/** `WWW-Authenticate` of the same. */
export const bearerChallenge = (lines: readonly string[], reason?: Reason): string =>
  writeChallenge(bearerChallengeFor(lines, reason))

/**
 * The challenge for a sender-constrained token that was sent as a bearer token (RFC 9449 §7.1,
 * §7.2; RFC 8705 §3).
 */
export const senderConstrainedChallenge = (isDpopBound: boolean): Challenge => ({
  scheme: isDpopBound ? 'DPoP' : 'Bearer',
  error: 'invalid_token',
  description: 'The access token is sender-constrained',
})

/** The challenge for a token that lacks a scope (RFC 6750 §3.1). */
export const scopeChallenge: Challenge = {
  scheme: 'Bearer',
  error: 'insufficient_scope',
  description: 'The access token lacks a scope',
}

/**
 * `WWW-Authenticate` for an operation that demands a sender-constrained token with its proof (RFC
 * 9449 §7.1).
 */
export const proofChallenge = writeChallenge({
  scheme: 'DPoP',
  error: 'invalid_dpop_proof',
  description: 'Only a proof of possession allows this',
})

/** `WWW-Authenticate` for a genuine bearer whose request names no token to end (RFC 6750 §3.1). */
export const noTokenChallenge = writeChallenge({
  scheme: 'Bearer',
  error: 'invalid_request',
  description: 'The request body must name the token',
})
