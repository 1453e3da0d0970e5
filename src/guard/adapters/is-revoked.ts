import type { IncomingMessage } from 'node:http'
import { refusalOf } from '../error.js'
import type { Guard } from '../types.js'
import { authorizationOf } from './request-headers.js'

/**
 * `isRevoked` of `express-jwt`, which verifies the token by its own rules; the rules of the guard
 * are added. A 503 is thrown.
 */
export const isRevokedForExpressJwt =
  (guard: Guard) =>
  (request: IncomingMessage): Promise<boolean> =>
    isRefused(guard, request)

/** `isRevoked` of `koa-jwt`, likewise. koa-jwt answers 401 where a 503 is thrown. */
export const isRevokedForKoaJwt =
  (guard: Guard) =>
  (ctx: { req: IncomingMessage }): Promise<boolean> =>
    isRefused(guard, ctx.req)

async function isRefused(guard: Guard, request: IncomingMessage): Promise<boolean> {
  try {
    await guard.check(authorizationOf(request))
    return false
  } catch (error) {
    if (refusalOf(error).status === 503) throw error
    return true
  }
}
