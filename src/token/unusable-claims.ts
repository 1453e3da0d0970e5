import { createHourly } from '../runtime/hourly.js'
import type { Issuer, NamingClaim } from './verification.js'

/**
 * Warns of claims that cannot name a session, subject or token id: no revocation by such a claim
 * reaches its tokens. It warns once an hour for each issuer and claim.
 *
 * @param warn called with the configured issuer and the name of the claim, never with its value
 */
export function warnOfUnusableClaims(
  now: () => number,
  warn: (details: { issuer: string; claim: NamingClaim }, message: string) => void,
) {
  const isDue = createHourly(now)
  return ({ issuer = '(any)' }: Issuer, claim: NamingClaim): void => {
    if (isDue(`${claim} ${issuer}`))
      warn(
        { issuer, claim },
        'a claim of verified tokens counts as absent: it is neither a text that is not empty nor an integer',
      )
  }
}
