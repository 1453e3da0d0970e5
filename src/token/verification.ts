import { errors, jwtVerify, type JWTPayload } from 'jose'
import { ServiceError, type Reason } from '../errors.js'
import type { KeySource } from './key-source.js'
import { tokenKeys, type RevocationKey, type TokenKeys } from './keys.js'
import { hasLogoutEvent } from './logout-token.js'
import { parseSpelling, type CompactJwt } from './spelling.js'

/** Whose tokens are accepted, and on what terms. */
export type Issuer = Readonly<{
  /** Exact `iss`; unchecked when absent. */
  issuer?: string
  /** One of them must be in `aud`; unchecked when absent. */
  audience?: readonly string[]
  /** The header's `typ` (RFC 7515 §4.1.9); unchecked when absent. */
  typ?: string
  algorithms: readonly string[]
  requireExp: boolean
  /** Longest life of any token of a session of this issuer. */
  sessionMaxLifetimeS: number
  /** Key templates of session data to delete. */
  sessionKeys: readonly string[]
  keys: KeySource
  /** What `aud` of its logout tokens must hold; absent: it may not send any. */
  backchannelAudience?: readonly string[]
  /** `typ` of its logout tokens; absent: unchecked. */
  backchannelTyp?: string
  /** What a logout token ends: the session it names, its subject's tokens from before it, or both. */
  backchannelScope: 'session' | 'subject' | 'both'
}>

/** Claims of a verified token (RFC 7519 §4). */
export type Claims = Readonly<JWTPayload>

/** A token whose signature and claims are in order. That it has not been revoked is another matter. */
export type VerifiedToken = Readonly<{
  /** In order except that its `exp` has passed. */
  expired: boolean
  claims: Claims
  keys: TokenKeys
  issuer: Issuer
  /** `ceil(exp·1000)`, absent without `exp`. */
  expMs?: number
}>

export type Verification = {
  /**
   * Verifies spelling, signature and claims (RFC 7519 §7.2, RFC 8725).
   *
   * @throws ServiceError `invalid_token` with the reason, `keys_unavailable` when the issuer's keys cannot be had
   */
  verify(jwt: string): Promise<VerifiedToken>
}

export type VerificationParts = {
  issuers: readonly Issuer[]
  now: () => number
  maxClockSkewMs: number
  /** The claim that cutoffs are held against, which may no more be ahead than `iat`. */
  cutoffClaim: 'iat' | 'auth_time'
  /** Whether logout tokens are what is verified; otherwise none of them passes for another token. */
  logoutTokens?: boolean
}

export function createVerification(parts: VerificationParts): Verification {
  return {
    async verify(text) {
      const jwt = parseSpelling(text)
      const header = parseSegment(jwt.header)
      const issuer = selectIssuer(parts.issuers, jwt)
      const { claims, expired } = await verifySignatureAndClaims(jwt, header, issuer, parts.now())
      if (parts.logoutTokens !== true && hasLogoutEvent(claims)) throw refuse('logout_token')
      const expMs = checkTimes(claims, issuer, parts)
      return { expired, claims, keys: tokenKeys(jwt, claims), issuer, ...(expMs !== undefined && { expMs }) }
    },
  }
}

/** The issuers as they are for logout tokens: another audience, another `typ`, and `exp` demanded. */
export function logoutTokenIssuers(issuers: readonly Issuer[]): Issuer[] {
  return issuers.flatMap(({ audience, typ, ...issuer }) =>
    issuer.backchannelAudience === undefined ? [] : [{
      ...issuer,
      audience: issuer.backchannelAudience,
      ...(issuer.backchannelTyp !== undefined && { typ: issuer.backchannelTyp }),
      requireExp: true,
    }],
  )
}

/** Same issuer and same subject, or the same token. Without a usable `sub` no other token belongs to the caller. */
export function isOfSameHolder(one: VerifiedToken, other: VerifiedToken): boolean {
  if (one.keys.t === other.keys.t) return true
  const subject: RevocationKey | undefined = one.keys.u
  return subject !== undefined && subject === other.keys.u && one.issuer === other.issuer
}

// Never with a cause: what JSON.parse and jose throw quotes the token or its claims.
const refuse = (reason: Reason) => new ServiceError('invalid_token', { reason })

function parseSegment(segment: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
  } catch {
    throw refuse('not_json')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw refuse('not_json')
  return parsed as Record<string, unknown>
}

// What the unverified payload says only picks whose keys to try; `issuer` is checked again with the signature.
function selectIssuer(issuers: readonly Issuer[], jwt: CompactJwt): Issuer {
  const [only] = issuers
  if (issuers.length === 1 && only !== undefined) return only
  const { iss } = parseSegment(jwt.payload)
  const issuer = issuers.find((candidate) => candidate.issuer === iss)
  if (issuer === undefined) throw refuse('unknown_issuer')
  return issuer
}

async function verifySignatureAndClaims(
  jwt: CompactJwt, header: Record<string, unknown>, issuer: Issuer, nowMs: number,
): Promise<{ claims: JWTPayload; expired: boolean }> {
  const { alg, kid } = header
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) throw refuse('algorithm')
  const candidates = await issuer.keys.candidates({ alg, ...(typeof kid === 'string' && { kid }) })
  const options = {
    algorithms: [...issuer.algorithms],
    currentDate: new Date(nowMs),
    ...(issuer.issuer !== undefined && { issuer: issuer.issuer }),
    ...(issuer.audience !== undefined && { audience: [...issuer.audience] }),
    ...(issuer.typ !== undefined && { typ: issuer.typ }),
  }
  for (const key of candidates) {
    try {
      const { payload } = await jwtVerify(jwt.text, key, options)
      return { claims: payload, expired: false }
    } catch (error) {
      // jose checks `exp` last, so an expired token is in order in all else that jose looks at.
      if (error instanceof errors.JWTExpired) return { claims: error.payload, expired: true }
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw translate(error)
    }
  }
  throw refuse(candidates.length === 0 ? 'unknown_key' : 'signature')
}

const reasonByClaim: Record<string, Reason> = { iss: 'issuer', aud: 'audience', typ: 'typ', nbf: 'not_yet_valid' }

// An algorithm that does not fit the key is a plain TypeError in jose; the candidates are chosen so that none is met here.
function translate(error: unknown): ServiceError {
  if (error instanceof errors.JWTClaimValidationFailed) {
    const failed = error.reason === 'invalid' ? 'claims' : reasonByClaim[error.claim]
    return refuse(failed ?? 'claims')
  }
  if (error instanceof errors.JOSEError) return refuse('claims')
  return new ServiceError('internal_error', { cause: error, reason: 'internal' })
}

// jose accepts an infinite `exp` (1e999) and an `iat` of any future, and does not ask for `exp`.
function checkTimes(claims: JWTPayload, issuer: Issuer, { now, maxClockSkewMs, cutoffClaim }: VerificationParts): number | undefined {
  const { exp, iat } = claims
  for (const time of [iat, claims[cutoffClaim]]) {
    if (typeof time === 'number' && !(time * 1000 <= now() + maxClockSkewMs)) throw refuse('issued_ahead')
  }
  if (exp === undefined) {
    if (issuer.requireExp) throw refuse('no_exp')
    return undefined
  }
  const expMs = Math.ceil(exp * 1000)
  if (!Number.isSafeInteger(expMs)) throw refuse('claims')
  return expMs
}
