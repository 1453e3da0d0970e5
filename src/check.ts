import { ServiceError } from './errors.js'
import type { Revocations } from './revocations.js'
import type { Verification, VerifiedToken } from './token/verification.js'

/**
 * Verifies a token and makes sure that it is not revoked.
 *
 * @throws ServiceError `invalid_token`, `token_expired`; `store_unavailable` or `keys_unavailable` when that cannot be told
 */
export type Check = (jwt: string) => Promise<VerifiedToken>

export function createCheck(parts: { verification: Verification; revocations: Pick<Revocations, 'isRevoked'> }): Check {
  return async (jwt) => {
    const token = await parts.verification.verify(jwt)
    if (token.expired) throw new ServiceError('token_expired', { reason: 'expired' })
    if (await parts.revocations.isRevoked(token)) throw new ServiceError('invalid_token', { reason: 'revoked' })
    return token
  }
}
