import cors from '@koa/cors'
import type { Logger } from 'pino'
import { isSerialisedOrigin } from '../runtime/serialised-origin.js'
import type { Middleware, ServiceContext } from './context.js'

const exposedHeaders =
  'WWW-Authenticate, X-Error-Reason, X-Upstream-Revocation, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id'

/** Origins whose refusal is logged, once each. A client could send any number of them. */
const mostLogged = 100

/** Middleware: CORS for exact origins. A preflight request gets the headers that it asks for. */
export function allowOrigins(origins: readonly string[], log: Pick<Logger, 'warn'>): Middleware {
  const allow: Middleware = cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    credentials: true,
    allowMethods: 'GET, HEAD, POST, OPTIONS',
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
  const logRefused = createRefusalLog(origins, log)
  return async (ctx, next) => {
    const { origin } = ctx.req.headers
    if (origin !== undefined) logRefused(ctx, origin)
    if (origins.length === 0) return next()
    await allow(ctx, next)
    // @koa/cors ends a preflight request without calling `next`, with the status alone.
    ctx.state.answer ??= { status: 204, body: undefined }
  }
}

/** A browser sends `Origin` with requests of the service's own pages, too. */
function createRefusalLog(origins: readonly string[], log: Pick<Logger, 'warn'>) {
  const seen = new Set<string>()
  return ({ req }: ServiceContext, origin: string): void => {
    if (origins.includes(origin) || seen.has(origin) || seen.size >= mostLogged) return
    if (!isSerialisedOrigin(origin) || origin.endsWith(`://${req.headers.host}`)) return
    seen.add(origin)
    log.warn({ origin }, 'pages of this origin cannot read the answers: it is not in CORS_ORIGINS')
  }
}
