import { createHourly, createSeenWithinHour } from '../runtime/hourly.js'
import { claimText } from './keys.js'
import type { VerifiedToken } from './verification.js'

const absent =
  'a claim of verified tokens counts as absent: it is neither a text that is not empty nor an integer'
const noAuthTime =
  'verified tokens have no auth_time, the cutoff claim: iat counts, so a token that is refreshed after a logout everywhere works'
const noSession =
  'verified tokens name no session (sessionClaim, JWT_SESSION_CLAIM): a logout ends one token, and not the others of its session'
const noTime =
  'verified tokens have neither auth_time nor iat: a logout everywhere is refused, and a revocation of their subject ends later logins, too'

/** @param details the configured issuer and the name of the claim, never its value */
type Warn = (details: { issuer: string; claim: string }, message: string) => void

/**
 * Warns of claims that cannot name a session, subject or token id: no revocation by such a claim
 * reaches its tokens. It warns once an hour for each issuer and claim.
 */
export function warnOfUnusableClaims(now: () => number, warn: Warn) {
  const isDue = createHourly(now)
  return (token: VerifiedToken): void => {
    const { issuer = '(any)' } = token.issuer
    for (const claim of unusableClaimsOf(token))
      if (isDue(`${claim} ${issuer}`)) warn({ issuer, claim }, absent)
  }
}

function unusableClaimsOf({ named, keys, issuer }: VerifiedToken): string[] {
  const { iss, sub, sid, jti } = named
  const claims: string[] = []
  if (iss !== undefined && claimText(iss) === undefined) claims.push('iss')
  if (sub !== undefined && keys.u === undefined) claims.push(issuer.subjectClaim)
  if (sid !== undefined && keys.s === undefined) claims.push(...issuer.sessionClaim)
  if (jti !== undefined && keys.j === undefined) claims.push('jti')
  return claims
}

/**
 * Warns of an issuer whose tokens lack what revocations need: a session, or a time. It warns at the
 * first such token and then once an hour, unless a token of that issuer had the claim within the
 * last hour: an issuer may have tokens of machines, too, which have no session. Where `auth_time` is
 * the cutoff claim, it warns of any token without it.
 */
export function warnOfMissingClaims(now: () => number, warn: Warn) {
  const isDue = createHourly(now)
  // Each is keyed by the issuer alone: joining names took longer than the rest of the check.
  const sessionSeen = createSeenWithinHour(now)
  const timeSeen = createSeenWithinHour(now)
  const warnIfDue = (name: string, claim: string, message: string) => {
    if (isDue(`${claim} ${name}`)) warn({ issuer: name, claim }, message)
  }
  return ({ claims, keys, issuer }: VerifiedToken): void => {
    const { issuer: name = '(any)', sessionClaim, cutoffClaim } = issuer
    const hasAuthTime = typeof claims['auth_time'] === 'number'
    if (!sessionSeen(name, keys.s !== undefined))
      warnIfDue(name, sessionClaim.join(', '), noSession)
    if (!timeSeen(name, hasAuthTime || typeof claims.iat === 'number'))
      warnIfDue(name, 'auth_time, iat', noTime)
    if (cutoffClaim === 'auth_time' && !hasAuthTime) warnIfDue(name, 'auth_time', noAuthTime)
  }
}

/** Makes a function that warns of both kinds of claims. */
export function warnOfClaims(now: () => number, warn: Warn) {
  const warnOfUnusable = warnOfUnusableClaims(now, warn)
  const warnOfMissing = warnOfMissingClaims(now, warn)
  return (token: VerifiedToken): void => {
    warnOfUnusable(token)
    warnOfMissing(token)
  }
}
