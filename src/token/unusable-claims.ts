import { createHourly } from '../runtime/hourly.js'
import type { Issuer, NamingClaim } from './verification.js'

const absent =
  'a claim of verified tokens counts as absent: it is neither a text that is not empty nor an integer'
const noAuthTime =
  'verified tokens have no auth_time, the cutoff claim: iat counts, so a token that is refreshed after a logout everywhere works'

/**
 * Warns of claims that cannot name a session, subject or token id: no revocation by such a claim
 * reaches its tokens. Warns of tokens without `auth_time`, where that is the cutoff claim. It warns
 * once an hour for each issuer and claim.
 *
 * @param warn called with the configured issuer and the name of the claim, never with its value
 */
export function warnOfUnusableClaims(
  now: () => number,
  warn: (details: { issuer: string; claim: NamingClaim | 'auth_time' }, message: string) => void,
) {
  const isDue = createHourly(now)
  return ({ issuer = '(any)' }: Issuer, claim: NamingClaim | 'auth_time'): void => {
    if (isDue(`${claim} ${issuer}`))
      warn({ issuer, claim }, claim === 'auth_time' ? noAuthTime : absent)
  }
}
