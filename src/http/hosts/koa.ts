import type { IncomingMessage, ServerResponse } from 'node:http'
import { answered, requireHosted, type Hosted } from './answered.js'
import type { HostedRequest } from './body.js'

type KoaContext = {
  req: IncomingMessage
  res: ServerResponse
  request: { req: IncomingMessage; body?: unknown }
  respond?: boolean | undefined
}

/**
 * Koa middleware that answers the service's paths, at the root or below koa-mount. A body that a
 * parser has put into `ctx.request.body` is taken from there.
 *
 * @throws TypeError for anything but what `createCierre` returned
 */
export function koaHandler(cierre: Hosted) {
  requireHosted('koaHandler', cierre)
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const request: HostedRequest = ctx.req
    if (ctx.request.body !== undefined) request.body = ctx.request.body
    // Otherwise Koa would answer the request, too.
    ctx.respond = false
    if (await answered(cierre, request, ctx.res)) return
    ctx.respond = true
    await next()
  }
}
