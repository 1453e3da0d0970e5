import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import cors from '@koa/cors'
import Koa from 'koa'
import type { Logger } from 'pino'
import type { ClientAddresses } from './client-addresses.js'
import type { Audit } from '../audit/audit.js'
import type { ContractDocument } from '../contract.js'
import { StaticDocument } from '../runtime/static-document.js'
import { ServiceError } from '../errors.js'
import { rateLimitHeaders, type Limiter, type Verdict } from '../access/rate-limits.js'
import type { OperationId, Operations } from '../operations/operation.js'
import { createBodyReader } from './request-body.js'
import {
  createContractRoutes,
  type ContractRoutes,
  type Middleware,
  type RequestState,
  type ServiceContext,
} from './routes.js'
import { failureAnswer, isFault, type Outgoing } from './failures.js'
import { endInPieces, pieceBytes } from './pieces.js'
import { holdToRate } from './reading-rate.js'
import { faultOfAnswer } from './response-check.js'
import type { ServerTimes } from './server.js'
import { staticAnswer } from './static-answer.js'

export type AppParts = {
  document: ContractDocument
  operations: Operations
  addresses: ClientAddresses
  addressLimiter: Limiter | undefined
  corsOrigins: readonly string[]
  audit: Audit
  /** Told of every answer: seconds since the request's head. */
  observe: (operation: OperationId | undefined, status: number, seconds: number) => void
  log: Logger
  times: Pick<ServerTimes, 'checkEveryMs' | 'rateOverMs'>
}

/** The operations that the address limit counts. */
const limitedOperations: ReadonlySet<OperationId> = new Set(['logout', 'backchannelLogout'])
const saneRequestId = /^[A-Za-z0-9._-]{1,64}$/
const exposedHeaders =
  'WWW-Authenticate, X-Error-Reason, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id'

/** Every request in order: identified, routed, allowed by origin, counted, read, validated, answered as the contract says. */
export function createApp(parts: AppParts): Koa {
  const app = new Koa()
  app.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever asked is gone.
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
      parts.log.error({ err: error }, 'answer not sent')
  })
  app.use(answer(parts, serve(parts)))
  return app
}

function serve(parts: AppParts): (ctx: ServiceContext) => Promise<void> {
  const { addressLimiter } = parts
  const identify = identifier(parts)
  const routes = createContractRoutes(parts.document, parts.operations)
  const readBody = createBodyReader(parts.document)
  const serveAllowed = async (ctx: ServiceContext) => {
    const { operationId } = ctx.state
    if (operationId === undefined) return answerOtherMethod(ctx)
    if (addressLimiter !== undefined && limitedOperations.has(operationId)) {
      holdAgainst(
        addressLimiter,
        await addressLimiter.consume(ctx.state.requester.address),
        ctx.state,
      )
    }
    await readBody(ctx, operationId)
    ctx.state.answer = await routes.run(ctx)
  }
  const allowOrigins = parts.corsOrigins.length > 0 ? corsOf(parts.corsOrigins) : undefined
  return (ctx) => {
    identify(ctx)
    route(ctx, routes)
    // Ahead of the 405, which a browser may read, too.
    return allowOrigins === undefined
      ? serveAllowed(ctx)
      : allowOrigins(ctx, () => serveAllowed(ctx)).then(() => answerPreflight(ctx))
  }
}

/** Names and values in turn. Of every answer; one that is not JSON may have its own. */
const fixedHeaders = [
  'X-Content-Type-Options',
  'nosniff',
  'Cache-Control',
  'no-store',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy',
  'no-referrer',
]

function identifier({ addresses, log }: AppParts): (ctx: ServiceContext) => void {
  let warned = false
  return (ctx) => {
    const { headers, rawHeaders } = ctx.req
    const given = headers['x-request-id']
    const requestId = typeof given === 'string' && saneRequestId.test(given) ? given : randomUUID()
    ctx.state = {
      requester: {
        requestId,
        address: addresses.of(ctx.req),
        userAgent: headers['user-agent'] || undefined,
        isRecorded: false,
      },
      secure: addresses.isSecure(ctx.req),
      path: '',
      authorization: authorizationLines(rawHeaders),
    }
    if (!warned && addresses.hasIgnoredHeaders(ctx.req)) {
      warned = true
      log.warn(
        'requests carry X-Forwarded-For or X-Forwarded-Proto, which is ignored until TRUST_PROXY names the proxy',
      )
    }
  }
}

// In `headers`, Node keeps the first line and hides the others.
function authorizationLines(rawHeaders: readonly string[]): string[] {
  const lines: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length === 13 && rawHeaders[at]?.toLowerCase() === 'authorization')
      lines.push(rawHeaders[at + 1] ?? '')
  }
  return lines
}

/** Turns what comes back, or is thrown, into an answer that the contract declares; in production too. */
function answer(parts: AppParts, serveRequest: (ctx: ServiceContext) => Promise<void>): Middleware {
  const { audit, log, observe } = parts
  const failed = (ctx: ServiceContext, error: unknown): Outgoing => {
    const { operationId, authorization, requester } = ctx.state
    // The key source logs why it has no keys; a line for each request would let strangers fill the log.
    const isLoggedElsewhere = error instanceof ServiceError && error.code === 'keys_unavailable'
    if (isFault(error) && !isLoggedElsewhere)
      log.error({ err: error, requestId: requester.requestId, operationId }, 'request failed')
    return failureAnswer(error, {
      ...(operationId && { operationId }),
      path: ctx.state.path,
      authorization,
    })
  }
  const checked = (ctx: ServiceContext, outgoing: Outgoing): Outgoing => {
    const { operationId } = ctx.state
    const fault = operationId === undefined ? undefined : faultOfAnswer(operationId, outgoing)
    if (fault === undefined) return outgoing
    return failed(ctx, new Error(`an answer is not what the contract says: ${fault}`))
  }
  const represented = (ctx: ServiceContext, outgoing: Outgoing): Outgoing => {
    if (!(outgoing.body instanceof StaticDocument)) return outgoing
    ctx.vary('Accept-Encoding')
    const chosen = staticAnswer(outgoing, outgoing.body, ctx.req.headers)
    return chosen.body === undefined ? checked(ctx, chosen) : chosen
  }
  return async (ctx) => {
    const begunAt = performance.now()
    const finish = (outgoing: Outgoing) => {
      const answer = represented(ctx, checked(ctx, outgoing))
      send(ctx, answer, parts)
      observe(ctx.state.operationId, answer.status, (performance.now() - begunAt) / 1000)
    }
    try {
      await serveRequest(ctx)
      const { answer } = ctx.state
      // While it is sent, the bytes are enough: what they were made of would be held as long.
      ctx.state.answer = undefined
      if (answer !== undefined) finish(answer)
    } catch (error) {
      sampleRefusal(audit, ctx, error)
      finish(failed(ctx, error))
    }
  }
}

function sampleRefusal(audit: Audit, { state }: ServiceContext, error: unknown): void {
  if (!(error instanceof ServiceError) || error.reason === undefined) return
  const event = unprovenEvents[error.code]
  if (event !== undefined)
    audit.sample({
      event,
      outcome: isFault(error) ? 'unknown' : 'refused',
      reason: error.reason,
      requester: state.requester,
    })
}

const unprovenEvents = {
  token_missing: 'authn_login_fail',
  invalid_token: 'authn_login_fail',
  keys_unavailable: 'authn_login_fail',
  invalid_client: 'authn_login_fail',
  bad_request: 'input_validation_fail',
  body_too_large: 'input_validation_fail',
  unsupported_media_type: 'input_validation_fail',
  too_many_requests: 'excess_rate_limit_exceeded',
} as Partial<
  Record<
    ServiceError['code'],
    'authn_login_fail' | 'input_validation_fail' | 'excess_rate_limit_exceeded'
  >
>

/** All header fields at once, as a list of names and values: Koa's way, one by one, costs as much as the rest of its work. */
function send(ctx: ServiceContext, outgoing: Outgoing, parts: AppParts): void {
  const { status, body } = outgoing
  const fields = fieldsOf(ctx.state, outgoing)
  if (body instanceof Readable) {
    ctx.status = status
    for (let at = 0; at < fields.length; at += 2)
      ctx.set(fields[at] as string, fields[at + 1] as string)
    sendStream(ctx, body, outgoing.leastBytesPerS, parts)
    return
  }
  const bytes = bytesOf(body)
  // A 304 has the length that its 200 would have, or none (RFC 9110 §8.6).
  if (status !== 204 && status !== 304) fields.push('Content-Length', String(bytes.length))
  ctx.respond = false
  ctx.res.writeHead(status, fields)
  if (ctx.method === 'HEAD') ctx.res.end()
  else if (typeof bytes === 'string') ctx.res.end(bytes, 'latin1')
  else endInPieces(ctx.res, bytes)
}

function sendStream(
  ctx: ServiceContext,
  body: Readable,
  leastBytesPerS: number | undefined,
  { times, log }: AppParts,
): void {
  ctx.body = body
  // Koa leaves alone what it cannot send any more, and its source would stay open.
  if (!ctx.writable) body.destroy()
  else if (leastBytesPerS !== undefined) {
    const { operationId, requester } = ctx.state
    const rate = { bytesPerS: leastBytesPerS, overMs: times.rateOverMs }
    holdToRate(ctx.res, rate, times.checkEveryMs, () =>
      log.warn({ requestId: requester.requestId, operationId }, 'slow reader cut off'),
    )
  }
}

function fieldsOf(
  { requester, secure, limitHeaders }: RequestState,
  { status, body, headers = {} }: Outgoing,
): (string | string[])[] {
  const limits =
    (status === 200 || status === 429) && limitHeaders !== undefined ? limitHeaders : {}
  const isJson = body !== undefined && headers['Content-Type'] === undefined
  const fields: (string | string[])[] = [
    'X-Request-Id',
    requester.requestId,
    ...(isJson ? fixedHeaders : fixedHeadersBut(headers)),
  ]
  if (isJson) fields.push('Content-Type', 'application/json; charset=utf-8')
  if (secure) fields.push('Strict-Transport-Security', 'max-age=31536000')
  for (const name in headers) fields.push(name, joined(name, limits[name], headers[name] ?? []))
  for (const name in limits) if (headers[name] === undefined) fields.push(name, limits[name] ?? [])
  return fields
}

const fixedHeadersBut = (headers: Readonly<Record<string, unknown>>) =>
  fixedHeaders.filter((_, at) => headers[fixedHeaders[at - (at % 2)] ?? ''] === undefined)

/** Small bodies as a text of one character for each byte of UTF-8, which Node copies as it is, together with the head; large ones as they are. */
function bytesOf(body: unknown): string | Buffer {
  if (body === undefined) return ''
  if (Buffer.isBuffer(body)) return body
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  if (text.length > pieceBytes) return Buffer.from(text)
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}

// Both policies are lists to which each limit adds its member.
const joined = (name: string, limit: string | undefined, own: string | string[]) =>
  limit === undefined || typeof own !== 'string' || name === 'Retry-After'
    ? own
    : `${limit}, ${own}`

function corsOf(origins: readonly string[]): Middleware {
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    credentials: true,
    allowMethods: 'GET, HEAD, POST, OPTIONS',
    allowHeaders: 'Authorization, Content-Type, X-Request-Id',
    exposeHeaders: exposedHeaders,
    maxAge: 600,
  })
}

function route(ctx: ServiceContext, routes: ContractRoutes): void {
  // Node refuses a request without Host with an answer of its own, so it is told not to.
  if (ctx.req.headers.host === undefined && ctx.req.httpVersion === '1.1')
    throw new ServiceError('bad_request', { reason: 'body' })
  ctx.state.path = pathOf(ctx)
  const found = routes.match(ctx.method, ctx.state.path)
  if ('operationId' in found) {
    ctx.state.operationId = found.operationId
    return
  }
  if (found.allow.length === 0) throw new ServiceError('not_found')
  ctx.set('Allow', [...found.allow, 'OPTIONS'].join(', '))
}

// @koa/cors goes no further with a preflight, and says nothing of an answer.
function answerPreflight({ state }: ServiceContext): void {
  state.answer ??= { status: 204, body: undefined }
}

/** @throws ServiceError for an address that is none, such as `http://[` */
function pathOf(ctx: ServiceContext): string {
  try {
    return ctx.path
  } catch {
    // Without the cause: it quotes the address.
    throw new ServiceError('bad_request', { reason: 'body' })
  }
}

function answerOtherMethod(ctx: ServiceContext): void {
  if (ctx.method !== 'OPTIONS') throw new ServiceError('method_not_allowed')
  ctx.state.answer = { status: 204, body: undefined }
}

function holdAgainst(limiter: Limiter, verdict: Verdict, state: RequestState): void {
  state.limitHeaders = rateLimitHeaders(limiter, verdict)
  if (!verdict.allowed) throw new ServiceError('too_many_requests', { reason: 'address_limit' })
}
