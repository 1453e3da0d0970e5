import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Claims } from '../../token/verification.js'
import type { Guard } from '../types.js'
import { refuse } from './node.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

declare global {
  // The types of Express have this name for what middleware adds to a request.
  namespace Express {
    interface Request {
      /** The claims that `expressGuard` has checked. */
      claims?: Claims
    }
  }
}

export type ExpressRequest = IncomingMessage & { claims?: Claims }

export type ExpressGuardOptions = AdapterOptions<ExpressRequest, ServerResponse>

/**
 * Express middleware; the claims are in `request.claims`. An error of `getToken` or `onRefused` goes
 * to `next`.
 *
 * @throws TypeError with every fault of the options
 */
export function expressGuard(guard: Guard, options?: ExpressGuardOptions) {
  const { check, onRefused } = createRequestCheck('expressGuard', guard, options)
  /** @returns whether the request may go on */
  const admit = async (request: ExpressRequest, response: ServerResponse): Promise<boolean> => {
    const { refusal, claims } = await check(request)
    if (refusal !== undefined) await (onRefused ?? refuse)(refusal, request, response)
    else if (claims !== undefined) request.claims = claims
    return refusal === undefined
  }
  return async (
    request: ExpressRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    let mayGoOn: boolean
    try {
      mayGoOn = await admit(request, response)
    } catch (error) {
      // Express 4 does not look at the promise of a middleware.
      next(error)
      return
    }
    if (mayGoOn) next()
  }
}
