import cors from '@koa/cors'
import type { Middleware } from './context.js'

const exposedHeaders =
  'WWW-Authenticate, X-Error-Reason, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id'

/** Middleware: CORS for exact origins. */
export function allowOrigins(origins: readonly string[]): Middleware | undefined {
  if (origins.length === 0) return undefined
  const addHeaders: Middleware = cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    credentials: true,
    allowMethods: 'GET, HEAD, POST, OPTIONS',
    allowHeaders: 'Authorization, Content-Type, X-Request-Id',
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
  return async (ctx, next) => {
    await addHeaders(ctx, next)
    // @koa/cors ends a preflight request without calling `next`, with the status alone.
    ctx.state.answer ??= { status: 204, body: undefined }
  }
}
