import type { IncomingMessage } from 'node:http'
import type { Guard } from '../types.js'
import type { AdapterOptions } from './options.js'
import { createRequestCheck } from './request-check.js'

export { fromCookie, fromHeader, fromProtocol, fromQuery } from './token-sources.js'

type KoaContext = {
  req: IncomingMessage
  state: Record<string, unknown>
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

export type KoaGuardOptions = AdapterOptions<KoaContext, KoaContext>

/**
 * Koa middleware; the claims are in `ctx.state.claims`. `getToken` and `onRefused` get the context.
 * `onRefused` gets it again as the response.
 *
 * @throws TypeError with every fault of the options
 */
export function koaGuard(guard: Guard, options?: KoaGuardOptions) {
  const { check, onRefused } = createRequestCheck('koaGuard', guard, options)
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const { refusal, claims } = await check(ctx)
    if (refusal === undefined) {
      if (claims !== undefined) ctx.state['claims'] = claims
      await next()
    } else if (onRefused !== undefined) await onRefused(refusal, ctx, ctx)
    else {
      ctx.status = refusal.status
      ctx.set(refusal.headers)
      ctx.body = refusal.body
    }
  }
}
