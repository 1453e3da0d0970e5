import type { IncomingMessage } from 'node:http'
import { createFaults, readObject } from '../../token/options.js'
import { GuardError, refusalOf } from '../error.js'
import type { Authorization, BareToken, Guard } from '../types.js'
import { readAdapterOptions, requireGuard, throwFaults, type AdapterOptions } from './options.js'
import { presentedTo } from './request-check.js'
import { authorizationOf } from './request-headers.js'

/** `getToken` must be that of express-jwt, if it has one. */
export type ExpressJwtOptions = Pick<AdapterOptions<IncomingMessage>, 'getToken'>

/** What express-jwt knows of the token that it has verified. */
type DecodedToken = Readonly<{ signature: string }>

/**
 * `isRevoked` of `express-jwt`, which verifies the token by its own rules; the rules of the guard
 * are added. It answers `true` for a revoked token alone. Any other refusal is thrown, as the error
 * handlers of express-jwt know it: a 401 is an `UnauthorizedError` with the code `invalid_token`,
 * and its `inner` is the GuardError; a 503 is the GuardError.
 *
 * @throws TypeError for what is no guard, and with every fault of the options. The function that it
 * returns throws an Error where the guard would check another token than express-jwt.
 */
export function isRevokedForExpressJwt(guard: Guard, options: ExpressJwtOptions = {}) {
  requireGuard('isRevokedForExpressJwt', guard)
  const getToken = readGetToken(options)
  return async (request: IncomingMessage, verified?: DecodedToken): Promise<boolean> => {
    try {
      const presented = await presentedTo(getToken, request)
      requireSame(presented, verified)
      await guard.check(presented)
      return false
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal.reason === 'revoked') return true
      throw refusal.status === 401 ? new UnauthorizedError(refusal) : refusal
    }
  }
}

/**
 * `isRevoked` of `koa-jwt`, likewise. koa-jwt answers 401 to whatever is thrown; the GuardError is
 * `originalError` of its error.
 */
export function isRevokedForKoaJwt(guard: Guard) {
  requireGuard('isRevokedForKoaJwt', guard)
  return async (
    ctx: { req: IncomingMessage },
    _verified: unknown,
    token: string,
  ): Promise<boolean> => {
    try {
      const authorization = authorizationOf(ctx.req)
      // koa-jwt takes the first `Authorization` line alone.
      await guard.check(typeof authorization === 'object' ? authorization : { token })
      return false
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal.reason === 'revoked') return true
      throw refusal
    }
  }
}

/** A 401 as express-jwt throws it; the class of express-jwt would need an import. */
class UnauthorizedError extends Error {
  override readonly name = 'UnauthorizedError'
  readonly status = 401
  readonly code = 'invalid_token'
  /** Header fields that Express adds to its answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(readonly inner: GuardError) {
    super(inner.challenge?.description ?? inner.code, { cause: inner })
    this.headers = inner.headers
  }
}

function readGetToken(options: ExpressJwtOptions) {
  const faults = createFaults()
  const given = readObject(options, ['getToken'], faults.of('options'))
  throwFaults('isRevokedForExpressJwt', faults)
  return readAdapterOptions<IncomingMessage, unknown>('isRevokedForExpressJwt', given).getToken
}

/**
 * A request may have two valid tokens, one in a cookie and one in the header: the guard must check
 * the token that express-jwt has verified.
 */
function requireSame(presented: Authorization | BareToken, verified?: DecodedToken): void {
  const isObject = typeof presented === 'object' && presented !== null
  // The guard refuses two `Authorization` lines.
  if (isObject && !('token' in presented)) return
  const text = isObject ? presented.token : presented
  if (verified === undefined || text?.endsWith(`.${verified.signature}`) === true) return
  throw new Error(
    'isRevokedForExpressJwt finds another token than express-jwt: it needs the same getToken',
  )
}
