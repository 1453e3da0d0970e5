import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import cors from '@koa/cors'
import Koa from 'koa'
import type { Logger } from 'pino'
import type { ClientAddresses } from '../addresses.js'
import type { Audit } from '../audit.js'
import type { ContractDocument } from '../contract.js'
import { ServiceError } from '../errors.js'
import { rateLimitHeaders, type Limiter } from '../limits.js'
import type { OperationId, Operations } from '../operations/operation.js'
import { createBodyReader } from './body.js'
import { createContractRoutes, type ContractRoutes, type Middleware, type ServiceContext } from './contract.js'
import { failureAnswer, isFault, type Outgoing } from './failures.js'
import { createResponseCheck } from './responses.js'

export type AppParts = {
  document: ContractDocument
  operations: Operations
  addresses: ClientAddresses
  addressLimiter: Limiter | undefined
  corsOrigins: readonly string[]
  audit: Audit
  log: Logger
}

/** The operations that the address limit counts. */
const limitedOperations: ReadonlySet<OperationId> = new Set(['logout', 'backchannelLogout'])
const saneRequestId = /^[A-Za-z0-9._-]{1,64}$/
const exposedHeaders = 'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id'

/** Every request in order: identified, routed, allowed by origin, counted, read, validated, answered as the contract says. */
export function createApp(parts: AppParts): Koa {
  const routes = createContractRoutes(parts.document, parts.operations)
  const app = new Koa()
  app.on('error', (error: Error) => parts.log.error({ err: error }, 'answer not sent'))
  const inOrder: Middleware[] = [
    identify(parts),
    answer(parts),
    route(routes),
    allowOrigins(parts.corsOrigins),
    refuseOtherMethods,
    limitAddress(parts.addressLimiter),
    createBodyReader(parts.document),
    routes.run,
  ]
  for (const middleware of inOrder) app.use(middleware)
  return app
}

function identify({ addresses, log }: AppParts): Middleware {
  let warned = false
  return (ctx, next) => {
    const given = ctx.get('X-Request-Id')
    const requestId = saneRequestId.test(given) ? given : randomUUID()
    const secure = addresses.isSecure(ctx.req)
    ctx.state = {
      asker: { requestId, address: addresses.of(ctx.req), userAgent: ctx.get('User-Agent') || undefined },
      secure,
      authorization: ctx.req.headersDistinct['authorization'] ?? [],
    }
    ctx.set('X-Request-Id', requestId)
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.set('Cache-Control', 'no-store')
    ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
    ctx.set('Referrer-Policy', 'no-referrer')
    if (secure) ctx.set('Strict-Transport-Security', 'max-age=31536000')
    if (!warned && addresses.hasIgnoredHeaders(ctx.req)) {
      warned = true
      log.warn('requests carry X-Forwarded-For or X-Forwarded-Proto, which is ignored until TRUST_PROXY names the proxy')
    }
    return next()
  }
}

/** Turns what comes back, or is thrown, into an answer that the contract declares; in production too. */
function answer({ document, audit, log }: AppParts): Middleware {
  const faultOf = createResponseCheck(document)
  const failed = (ctx: ServiceContext, error: unknown): Outgoing => {
    const { operationId, authorization, asker } = ctx.state
    if (isFault(error)) log.error({ err: error, requestId: asker.requestId, operationId }, 'request failed')
    return failureAnswer(error, { ...(operationId && { operationId }), path: ctx.path, authorization })
  }
  const checked = (ctx: ServiceContext, outgoing: Outgoing): Outgoing => {
    const { operationId } = ctx.state
    const fault = operationId === undefined ? undefined : faultOf(operationId, outgoing)
    if (fault === undefined) return outgoing
    return failed(ctx, new Error(`an answer is not what the contract says: ${fault}`))
  }
  return async (ctx, next) => {
    try {
      await next()
      if (ctx.state.answer !== undefined) send(ctx, checked(ctx, ctx.state.answer))
    } catch (error) {
      sampleRefusal(audit, ctx, error)
      send(ctx, checked(ctx, failed(ctx, error)))
    }
  }
}

function sampleRefusal(audit: Audit, { state }: ServiceContext, error: unknown): void {
  if (!(error instanceof ServiceError) || error.reason === undefined) return
  const event = unprovenEvents[error.code]
  if (event !== undefined) audit.sample({ event, outcome: 'refused', reason: error.reason, asker: state.asker })
}

const unprovenEvents = {
  token_missing: 'authn_login_fail',
  invalid_token: 'authn_login_fail',
  invalid_client: 'authn_login_fail',
  bad_request: 'input_validation_fail',
  body_too_large: 'input_validation_fail',
  unsupported_media_type: 'input_validation_fail',
  too_many_requests: 'excess_rate_limit_exceeded',
} as Partial<Record<ServiceError['code'], 'authn_login_fail' | 'input_validation_fail' | 'excess_rate_limit_exceeded'>>

function send(ctx: ServiceContext, { status, body, headers = {} }: Outgoing): void {
  ctx.status = status
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value)
  if (status === 200 || status === 429) addLimitHeaders(ctx, headers)
  if (typeof body === 'string' || body === undefined || body instanceof Readable) {
    ctx.body = body ?? ''
    if (body === undefined) ctx.remove('Content-Type')
    return
  }
  ctx.type = 'application/json; charset=utf-8'
  ctx.body = JSON.stringify(body)
}

// Both are lists: each policy adds its member.
function addLimitHeaders(ctx: ServiceContext, own: NonNullable<Outgoing['headers']>): void {
  for (const [name, value] of Object.entries(ctx.state.limitHeaders ?? {})) {
    const before = own[name]
    ctx.set(name, typeof before === 'string' && name !== 'Retry-After' ? `${value}, ${before}` : value)
  }
}

function allowOrigins(origins: readonly string[]): Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    credentials: true,
    allowMethods: 'GET, HEAD, POST, OPTIONS',
    allowHeaders: 'Authorization, Content-Type, X-Request-Id',
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
}

function route(routes: ContractRoutes): Middleware {
  return async (ctx, next) => {
    // Node refuses a request without Host with an answer of its own, so it is told not to.
    if (ctx.req.headers.host === undefined && ctx.req.httpVersion === '1.1') throw new ServiceError('bad_request', { reason: 'body' })
    const found = routes.match(ctx.method, ctx.path)
    if ('operationId' in found) {
      ctx.state.operationId = found.operationId
      return next()
    }
    if (found.allow.length === 0) throw new ServiceError('not_found')
    ctx.set('Allow', [...found.allow, 'OPTIONS'].join(', '))
    return next()
  }
}

// After CORS, so that a preflight gets its answer, and a browser may read the 405.
const refuseOtherMethods: Middleware = async (ctx, next) => {
  if (ctx.state.operationId !== undefined) return next()
  if (ctx.method !== 'OPTIONS') throw new ServiceError('method_not_allowed')
  ctx.status = 204
}

function limitAddress(limiter: Limiter | undefined): Middleware {
  return async ({ state }, next) => {
    if (limiter === undefined || state.operationId === undefined || !limitedOperations.has(state.operationId)) return next()
    const verdict = await limiter.consume(state.asker.address)
    state.limitHeaders = rateLimitHeaders(limiter, verdict)
    if (!verdict.allowed) throw new ServiceError('too_many_requests', { reason: 'address_limit' })
    return next()
  }
}
