import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Claims } from '../../token/verification.js'
import type { Guard } from '../types.js'
import { guardRequest } from './node.js'

type ExpressRequest = IncomingMessage & { claims?: Claims }

/** Express 5 middleware; the claims are in `request.claims`. */
export const expressGuard =
  (guard: Guard) =>
  async (
    request: ExpressRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    const claims = await guardRequest(guard, request, response)
    if (claims === undefined) return
    request.claims = claims
    next()
  }
