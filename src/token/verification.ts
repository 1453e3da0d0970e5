import {
  nameClaims,
  standardMapping,
  type ClaimMapping,
  type NamedClaims,
} from './claim-mapping.js'
import {
  checkClaims,
  isOtherKind,
  parseSegment,
  refuse,
  rememberParsed,
  timingOf,
  type Claims,
  type Timing,
} from './claims.js'
import { findIssuer, type IssuerName } from './issuer-name.js'
import type { KeySource } from './key-source.js'
import { tokenKeys, type RevocationKey, type TokenKeys } from './keys.js'
import { checkLogoutToken, hasLogoutEvent, type LogoutTokenDemands } from './logout-token.js'
import { parseCanonical } from './canonical-encoding.js'
import type { UpstreamClient } from './upstream-options.js'
import { verifySignature } from './verify-signature.js'

export type { Claims } from './claims.js'

/** An issuer whose tokens are accepted, and what is demanded of them. */
export type Issuer = Readonly<{
  /** `aud` must be or hold one of these; unchecked when absent. */
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
  /** What `aud` of its logout tokens may be; absent: its logout tokens are refused. */
  backchannelAudience?: readonly string[]
  /** What a logout token ends: the session it names, its subject's earlier tokens, or both. */
  backchannelScope: 'session' | 'subject' | 'both'
  /** How refresh tokens are revoked at the issuer; absent: they cannot be. */
  upstream?: UpstreamClient
}> &
  IssuerName &
  ClaimMapping &
  LogoutTokenDemands

/**
 * A genuine token: its signature is verified and its claims are in order, except for `timing`. It
 * may have been revoked, which is not checked here.
 */
export type VerifiedToken = Readonly<{
  timing: Timing
  /** The claims as the token has them. */
  claims: Claims
  named: NamedClaims
  keys: TokenKeys
  issuer: Issuer
  /** `ceil(exp·1000)`, absent without `exp`. */
  expMs?: number | undefined
}>

export type Verification = {
  /**
   * Verifies canonical encoding, signature and claims (RFC 7519 §7.2, RFC 8725).
   *
   * @param waiter address of the client, in an operation that ends tokens: its request may wait up
   * to 10 s for a key that is not known yet
   * @throws ServiceError `invalid_token` with the reason, `keys_unavailable` when the keys of the
   * issuer cannot be had now
   */
  verify(jwt: string, waiter?: string): Promise<VerifiedToken>
}

export type VerificationParts = {
  issuers: readonly Issuer[]
  now: () => number
  maxClockSkewMs: number
  /** Characters of the longest token that is accepted. */
  maxTokenLength: number
  /** Whether logout tokens are verified. Otherwise they are refused. */
  logoutTokens?: boolean
  /** Called for each genuine token. */
  onVerified?: (token: VerifiedToken) => void
}

export function createVerification(parts: VerificationParts): Verification {
  const parseHeader = rememberParsed(parseSegment)
  return {
    async verify(text, waiter) {
      const jwt = parseCanonical(text, parts.maxTokenLength)
      const header = parseHeader(jwt.header)
      const payload = parseSegment(jwt.payload)
      const issuer = selectIssuer(parts.issuers, payload)
      if (parts.logoutTokens === true) requireBackchannel(issuer)
      const verifying = verifySignature(jwt, header, issuer, waiter)
      if (verifying !== undefined) await verifying
      const named = nameClaims(payload, issuer)
      const claims = checkClaims({ header, claims: payload, named, demands: issuer })
      if (parts.logoutTokens === true) checkLogoutToken(header, claims, issuer, parts.now())
      else refuseOtherKinds(header, claims, issuer)
      const expMs = expiryOf(claims, issuer)
      const timing = timingOf(claims, {
        nowMs: parts.now(),
        maxClockSkewMs: parts.maxClockSkewMs,
        cutoffClaim: issuer.cutoffClaim,
      })
      const token = { timing, claims, named, keys: tokenKeys(jwt, named), issuer, expMs }
      parts.onVerified?.(token)
      return token
    },
  }
}

/** Names the claims of a token that was verified by one of these issuers. */
export type Naming = (claims: Claims) => NamedClaims

export const createNaming =
  (issuers: readonly (IssuerName & ClaimMapping)[]): Naming =>
  (claims) =>
    nameClaims(claims, findIssuer(issuers, claims.iss) ?? standardMapping)

/** The issuers with the demands on their logout tokens. */
export const logoutTokenIssuers = (issuers: readonly Issuer[]): Issuer[] =>
  issuers.map(({ typ, ...issuer }) => ({
    ...issuer,
    ...standardMapping,
    ...(issuer.backchannelAudience && { audience: issuer.backchannelAudience }),
    requireExp: false,
  }))

/**
 * Whether two tokens have the same issuer and subject, or are the same token. A token without a
 * usable `sub` has the same holder as no other token.
 */
export function isOfSameHolder(one: VerifiedToken, other: VerifiedToken): boolean {
  if (one.keys.t === other.keys.t) return true
  const subject: RevocationKey | undefined = one.keys.u
  return (
    subject !== undefined && subject === other.keys.u && one.issuer.issuer === other.issuer.issuer
  )
}

/**
 * The issuer that a token names. The token need not be genuine; for one that cannot be read the
 * answer is `undefined`.
 */
export function issuerNamedBy<T extends IssuerName>(
  issuers: readonly T[],
  text: string,
): T | undefined {
  try {
    return selectIssuer(issuers, parseSegment(parseCanonical(text).payload))
  } catch {
    return undefined
  }
}

// A logout token of such an issuer causes no fetch.
function requireBackchannel({ backchannelAudience }: Issuer): void {
  if (backchannelAudience === undefined) throw refuse('no_backchannel')
}

// The unverified `iss` only selects the issuer whose keys are tried. A token of an unknown issuer
// causes no fetch.
function selectIssuer<T extends IssuerName>(
  issuers: readonly T[],
  { iss }: Readonly<Record<string, unknown>>,
): T {
  const issuer = findIssuer(issuers, iss)
  if (issuer === undefined) throw refuse('unknown_issuer')
  return issuer
}

// Another kind of JWT passes only when its `typ` is configured (RFC 8725 §3.11).
function refuseOtherKinds(
  header: Readonly<Record<string, unknown>>,
  claims: Claims,
  { typ }: Issuer,
): void {
  if (hasLogoutEvent(claims)) throw refuse('logout_token')
  if (typ === undefined && isOtherKind(header)) throw refuse('typ')
}

/** `ceil(exp·1000)`. A number of JSON may be infinite (1e999). */
function expiryOf({ exp }: Claims, issuer: Issuer): number | undefined {
  if (exp === undefined) {
    if (issuer.requireExp) throw refuse('no_exp')
    return undefined
  }
  const expMs = Math.ceil(exp * 1000)
  if (!Number.isSafeInteger(expMs)) throw refuse('claims')
  return expMs
}
