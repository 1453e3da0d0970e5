import { ServiceError } from '../errors.js'
import type { Verification, VerifiedToken } from '../token/verification.js'
import type { Revocations } from './revocations.js'

/**
 * Verifies a token and makes sure that it is not revoked.
 *
 * @throws ServiceError `invalid_token`, with the reason `expired` where that is the only reason;
 *   `store_unavailable` or `keys_unavailable` when the answer is unknown
 */
export type Check = (jwt: string) => Promise<VerifiedToken>

export function createCheck(parts: {
  verification: Verification
  revocations: Pick<Revocations, 'isRevoked'>
}): Check {
  return async (jwt) => {
    const token = await parts.verification.verify(jwt)
    if (token.timing !== 'current')
      throw new ServiceError('invalid_token', {
        reason: token.timing === 'expired' ? 'expired' : 'not_yet_valid',
      })
    if (await parts.revocations.isRevoked(token))
      throw new ServiceError('invalid_token', { reason: 'revoked' })
    return token
  }
}
