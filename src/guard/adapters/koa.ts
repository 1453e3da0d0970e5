import type { IncomingMessage } from 'node:http'
import { refusalOf } from '../error.js'
import type { Guard } from '../types.js'
import { authorizationOf } from './authorization-header.js'

type KoaContext = {
  req: IncomingMessage
  state: Record<string, unknown>
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

/** Koa middleware; the claims are in `ctx.state.claims`. */
export const koaGuard =
  (guard: Guard) =>
  async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    try {
      ctx.state['claims'] = await guard.check(authorizationOf(ctx.req))
    } catch (error) {
      const { status, headers, body } = refusalOf(error)
      ctx.status = status
      ctx.set(headers)
      ctx.body = body
      return
    }
    await next()
  }
