import { rateLimitHeaders, type AddressLimiter } from '../access/rate-limits.js'
import { ServiceError } from '../errors.js'
import type { LimitAddress } from './context.js'

/**
 * The limiters of client addresses. Requests whose body is unreadable, or names no token, are
 * counted apart: they use up nothing of the good logouts from the same address.
 */
export type AddressLimiters = Readonly<Record<'readable' | 'unreadable', AddressLimiter>>

/** @throws ServiceError `too_many_requests`, from the function that it returns */
export const limitAddress =
  (limiters: AddressLimiters | undefined): LimitAddress =>
  async (state, kind) => {
    if (limiters === undefined || state.operation?.limitedByAddress !== true) return
    if (state.limitHeaders !== undefined) return
    const verdict = await limiters[kind].consume(state.requester.address)
    state.limitHeaders = rateLimitHeaders(limiters[kind], verdict)
    if (!verdict.allowed) throw new ServiceError('too_many_requests', { reason: 'address_limit' })
  }
