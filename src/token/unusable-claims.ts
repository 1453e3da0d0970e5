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
  return [
    ...(iss !== undefined && claimText(iss) === undefined ? ['iss'] : []),
    ...(sub !== undefined && keys.u === undefined ? [issuer.subjectClaim] : []),
    ...(sid !== undefined && keys.s === undefined ? issuer.sessionClaim : []),
    ...(jti !== undefined && keys.j === undefined ? ['jti'] : []),
  ]
}

/**
 * Warns of an issuer whose tokens lack what revocations need: a session, or a time. It warns at the
 * first such token and then once an hour, unless a token of that issuer had the claim within the
 * last hour: an issuer may have tokens of machines, too, which have no session. Where `auth_time` is
 * the cutoff claim, it warns of any token without it.
 */
export function warnOfMissingClaims(now: () => number, warn: Warn) {
  const isDue = createHourly(now)
  const shown = createSeenWithinHour(now)
  return ({ claims, keys, issuer: { issuer = '(any)', ...of } }: VerifiedToken): void => {
    const warnIfDue = (claim: string, message: string) => {
      if (isDue(`${claim} ${issuer}`)) warn({ issuer, claim }, message)
    }
    const hasAuthTime = typeof claims['auth_time'] === 'number'
    if (!shown(`session ${issuer}`, keys.s !== undefined))
      warnIfDue(of.sessionClaim.join(', '), noSession)
    if (!shown(`time ${issuer}`, hasAuthTime || typeof claims.iat === 'number'))
      warnIfDue('auth_time, iat', noTime)
    if (of.cutoffClaim === 'auth_time' && !hasAuthTime) warnIfDue('auth_time', noAuthTime)
  }
}

/** Makes a function that warns of both kinds of claims. */
export function warnOfClaims(now: () => number, warn: Warn) {
  const warnings = [warnOfUnusableClaims(now, warn), warnOfMissingClaims(now, warn)]
  return (token: VerifiedToken): void => warnings.forEach((check) => check(token))
}
