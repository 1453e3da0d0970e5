import { checkClaims, parseSegment, refuse, type Claims } from './claims.js'
import type { KeySource } from './key-source.js'
import { tokenKeys, type RevocationKey, type TokenKeys } from './keys.js'
import { hasLogoutEvent } from './logout-token.js'
import type { VerificationKey } from './signature.js'
import { parseSpelling, type CompactJwt } from './spelling.js'

export type { Claims } from './claims.js'

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

/** A token whose signature and claims are in order. That it has not been revoked is another matter. */
export type VerifiedToken = Readonly<{
  /** In order except that its `exp` has passed. */
  expired: boolean
  claims: Claims
  keys: TokenKeys
  issuer: Issuer
  /** `ceil(exp·1000)`, absent without `exp`. */
  expMs?: number | undefined
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
  const parseHeader = remembering(parseSegment)
  return {
    async verify(text) {
      const jwt = parseSpelling(text)
      const header = parseHeader(jwt.header)
      const said = parseSegment(jwt.payload)
      const issuer = selectIssuer(parts.issuers, said)
      const verifying = verifySignature(jwt, header, issuer)
      if (verifying !== undefined) await verifying
      const { claims, expired } = checkClaims({ header, claims: said, demands: issuer, nowMs: parts.now() })
      if (parts.logoutTokens !== true && hasLogoutEvent(claims)) throw refuse('logout_token')
      const expMs = checkTimes(claims, issuer, parts)
      return { expired, claims, keys: tokenKeys(jwt, claims), issuer, expMs }
    },
  }
}

// An issuer writes the same header into all its tokens.
function remembering<T>(parse: (segment: string) => T): (segment: string) => T {
  const seen = new Map<string, T>()
  return (segment) => {
    const known = seen.get(segment)
    if (known !== undefined) return known
    const parsed = parse(segment)
    if (seen.size >= mostHeaders) seen.clear()
    // A slice would keep the whole token alive.
    seen.set(Buffer.from(segment, 'latin1').toString('latin1'), parsed)
    return parsed
  }
}
const mostHeaders = 100

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
  return subject !== undefined && subject === other.keys.u && one.issuer.issuer === other.issuer.issuer
}

// What the payload says before its signature is verified only picks whose keys to try.
function selectIssuer(issuers: readonly Issuer[], { iss }: Readonly<Record<string, unknown>>): Issuer {
  const [only] = issuers
  if (issuers.length === 1 && only !== undefined) return only
  const issuer = issuers.find((candidate) => candidate.issuer === iss)
  if (issuer === undefined) throw refuse('unknown_issuer')
  return issuer
}

/** At once, unless keys have to be fetched. */
function verifySignature(jwt: CompactJwt, { alg, kid, crit }: Readonly<Record<string, unknown>>, issuer: Issuer): Promise<void> | undefined {
  if (typeof alg !== 'string' || !issuer.algorithms.includes(alg)) throw refuse('algorithm')
  // No extension is understood here (RFC 7515 §4.1.11).
  if (crit !== undefined) throw refuse('claims')
  const found = issuer.keys.candidates({ alg, kid: typeof kid === 'string' ? kid : undefined })
  if ('then' in found) return found.then((candidates) => checkSignature(jwt, candidates))
  checkSignature(jwt, found)
  return undefined
}

function checkSignature(jwt: CompactJwt, candidates: readonly VerificationKey[]): void {
  const signature = Buffer.from(jwt.signature, 'base64url')
  if (candidates.some((isSigned) => isSigned(jwt.signingInput, signature))) return
  throw refuse(candidates.length === 0 ? 'unknown_key' : 'signature')
}

// JSON has infinite numbers (1e999).
function checkTimes(claims: Claims, issuer: Issuer, { now, maxClockSkewMs, cutoffClaim }: VerificationParts): number | undefined {
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
