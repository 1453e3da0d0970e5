import { ServiceError } from '../errors.js'
import type { Verification, VerifiedToken } from '../token/verification.js'
import type { Revocations } from './revocations.js'

/** Whether a token is revoked. Every revocation that was stored before `asOfMs` counts. */
export type RevocationStatus = Readonly<{ isRevoked: boolean; asOfMs: number }>
export type StatusOf = (token: VerifiedToken) => RevocationStatus | Promise<RevocationStatus>

/** Reads the store. */
export const statusInStore =
  (revocations: Pick<Revocations, 'isRevoked'>, now: () => number): StatusOf =>
  async (token) => {
    const asOfMs = now()
    return { isRevoked: await revocations.isRevoked(token), asOfMs }
  }

/**
 * Looks into the live set while it is fresh, and reads the store while it is not.
 *
 * @param freshAsOfMs the time up to which the live set has every revocation; `undefined` while that
 * is not proved
 */
export const statusInLiveSet =
  (
    revocations: Pick<Revocations, 'preconditionsOf'>,
    freshAsOfMs: () => number | undefined,
    inStore: StatusOf,
  ): StatusOf =>
  (token) => {
    // Read before the look-up, which then has every revocation that was stored before this time.
    const asOfMs = freshAsOfMs()
    if (asOfMs === undefined) return inStore(token)
    return { isRevoked: revocations.preconditionsOf(token).isKnownRevoked, asOfMs }
  }

/** A token that is valid now, and was not revoked at `asOfMs`. */
export type CheckedToken = Readonly<{ token: VerifiedToken; asOfMs: number }>

/**
 * Verifies a token and makes sure that it is not revoked.
 *
 * @throws ServiceError `invalid_token`, with the reason `expired` where nothing else is wrong;
 *   `store_unavailable` or `keys_unavailable` when the answer is unknown
 */
export type Check = (jwt: string) => Promise<CheckedToken>

export function createCheck(parts: { verification: Verification; statusOf: StatusOf }): Check {
  return async (jwt) => {
    const token = await parts.verification.verify(jwt)
    if (token.timing !== 'current')
      throw new ServiceError('invalid_token', {
        reason: token.timing === 'expired' ? 'expired' : 'not_yet_valid',
      })
    const { isRevoked, asOfMs } = await parts.statusOf(token)
    if (isRevoked) throw new ServiceError('invalid_token', { reason: 'revoked' })
    return { token, asOfMs }
  }
}
