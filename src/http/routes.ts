import Router, { type Layer } from '@koa/router'
import { initialize } from 'koa-openapi'
import {
  documentedOperations,
  referencedSchemas,
  type ContractDocument,
  type DocumentedOperation,
} from '../contract.js'
import { ServiceError } from '../errors.js'
import type { OperationId, Request } from '../operations/operation.js'
import type { LimitAddress, Middleware, ServedApp, ServiceContext } from './context.js'
import type { Outgoing } from './failures.js'
import { strictQueryCheck } from './query-check.js'
import { readableTypes, readBody, UnreadableBody } from './request-body.js'
import { BadRequest, badRequest, faultsOf, type Violation } from './request-faults.js'

export type RouteParts = ServedApp & Readonly<{ document: ContractDocument }>

/**
 * Middleware: every route of the contract, matched strictly, by koa-openapi on @koa/router. The
 * steps of a request are CORS, the body, koa-openapi's defaults, coercion and validation, the
 * strict check of the query, the limit per address, and the operation. Of a logout koa-openapi takes 7 µs, 0.7 µs of them
 * for the validation of the body.
 *
 * koa-openapi authenticates no request, because it does not wait for its security handlers; the
 * operations do. It validates no answer; `response-check.ts` does.
 */
export function createRoutes(parts: RouteParts): Middleware {
  const dispatch = contractRoutes(parts.document)
  const dispatchChecks = checkRoutes(parts)
  return (ctx, next) => {
    ctx.servedApp = parts
    return dispatch(ctx, () => dispatchChecks(ctx, next)).catch(rethrow(ctx, parts.limitAddress))
  }
}

/** By contract, since koa-openapi takes 90 ms to compile the routes of ours. */
const compiled = new WeakMap<ContractDocument, Middleware>()

/** The routes of a contract for every app of this process: `ctx.servedApp` has the operations. */
function contractRoutes(document: ContractDocument): Middleware {
  const known = compiled.get(document)
  if (known !== undefined) return known
  const router = new Router({ strict: true, sensitive: true })
  const documented = documentedOperations(document)
  documented.forEach(requireReadable)
  initialize({
    router: registrar(router),
    apiDoc: requestsOf(document),
    operations: Object.fromEntries(documented.map((one) => [one.operationId, handlerOf(one)])),
    consumesMiddleware: Object.fromEntries(readableTypes.map((type) => [type, readBody(type)])),
    // koa-openapi would refuse a document of OpenAPI 3.1. `npm run check` validates the document.
    validateApiDoc: false,
    exposeApiDocs: false,
    // The type of `initialize` demands every optional argument, and a document of OpenAPI 3.0.
  } as unknown as Parameters<typeof initialize>[0])
  const routes = router.routes() as unknown as Middleware
  compiled.set(document, routes)
  return routes
}

type AnyOperation = (request: never) => Promise<Outgoing>
type Run = (ctx: ServiceContext) => Promise<void>

/**
 * The router as koa-openapi sees it: each route is registered unchanged, behind CORS. As
 * middleware of the router that would cost 3 µs more per request.
 */
function registrar(router: Router) {
  const behindCors =
    (name: OperationId, run: Run): Run =>
    (ctx) => {
      const { served, cors } = ctx.servedApp
      ctx.state.operation = served.get(name)
      return cors(ctx, () => run(ctx))
    }
  return {
    get: (name: OperationId, path: string, run: Run) =>
      router.get(name, path, behindCors(name, run)),
    post: (name: OperationId, path: string, run: Run) =>
      router.post(name, path, behindCors(name, run)),
  }
}

/**
 * Every other method of a check, and every path below its own. The contract cannot describe that.
 * Without CORS: a preflight request is a question like any other.
 */
function checkRoutes({ document, operations, served }: RouteParts): Middleware {
  const router = new Router({ strict: true, sensitive: true })
  for (const { operationId, path } of documentedOperations(document)) {
    const operation: AnyOperation = operations[operationId]
    if (operations[operationId].isCheck !== true) continue
    router.all([path, `${path}/`, `${path}/*below`], async (ctx: ServiceContext) => {
      ctx.state.operation = served.get(operationId)
      ctx.state.answer = await operation(acceptedRequest(ctx) as never)
    })
  }
  return router.routes() as unknown as Middleware
}

/**
 * Middleware for a request without a route: 404, or 405 with `Allow`; 204 to OPTIONS on a path
 * that has operations.
 *
 * @param allowOrigins lets a page of an allowed origin read the 204 and the 405
 */
export function answerUnrouted(allowOrigins: Middleware): Middleware {
  return (ctx) => {
    // The routes that the router has found for the path, of any method.
    const matched = (ctx['matched'] ?? []) as readonly Layer[]
    const methods = matched.flatMap((layer) => layer.methods)
    if (methods.length === 0) throw new ServiceError('not_found')
    ctx.set('Allow', [...new Set(methods), 'OPTIONS'].join(', '))
    return allowOrigins(ctx, () => answerMethod(ctx))
  }
}

async function answerMethod({ method, state }: ServiceContext): Promise<void> {
  if (method !== 'OPTIONS') throw new ServiceError('method_not_allowed')
  state.answer = { status: 204, body: undefined }
}

/**
 * The half of the contract that describes requests. From the whole contract koa-openapi would
 * compile every schema for each operation, and prefix every route with the path of a server.
 */
function requestsOf(document: ContractDocument): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const one of documentedOperations(document)) {
    const { path, method, operationId, parameters, requestBody } = one
    const item = (paths[path] ??= {})
    item[method] = { operationId, parameters, requestBody }
  }
  const schemas = referencedSchemas(document, paths)
  return { openapi: document.openapi, info: document.info, paths, components: { schemas } }
}

function requireReadable({ operationId, requestBody }: DocumentedOperation): void {
  const types: readonly string[] = Object.keys(requestBody?.content ?? {})
  const readable: readonly string[] = readableTypes
  if (types.length > 1 || !types.every((type) => readable.includes(type)))
    throw new Error(`${operationId}: no request body of ${types.join(' or ')} can be read`)
}

function handlerOf({ operationId, parameters = [] }: DocumentedOperation): Run {
  const checkQuery = strictQueryCheck(operationId, parameters)
  return async (ctx) => {
    const { operations, limitAddress } = ctx.servedApp
    const { querystring } = ctx.request
    const fault = querystring === '' ? undefined : checkQuery(querystring)
    if (fault !== undefined) throw new BadRequest([fault])
    await limitAddress(ctx.state, lacksToken(ctx) ? 'unreadable' : 'readable')
    const operation: AnyOperation = operations[operationId]
    // The compiler cannot know that koa-openapi has validated the request against the contract.
    ctx.state.answer = await operation(acceptedRequest(ctx) as never)
  }
}

function acceptedRequest(ctx: ServiceContext): Record<keyof Request<OperationId>, unknown> {
  const { state, request } = ctx
  return {
    body: request.body,
    query: request.query,
    params: ctx['params'],
    lastEventId: ctx.get('Last-Event-ID') || undefined,
    authorization: state.authorization,
    cookie: ctx.req.headers.cookie,
    origin: ctx.req.headers.origin,
    host: ctx.req.headers.host,
    requester: state.requester,
    secure: state.secure,
  }
}

/** koa-openapi's refusal: an error of http-errors with findings of `openapi-request-validator`. */
type Refusal = Error & { errors: readonly Violation[] }

const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && 'errors' in error && 'status' in error

/** A body that is missing, no object, or without a usable `token`. Unknown members do not count. */
const isUnreadable = ({ location, path = '', errorCode = '' }: Violation) =>
  location === 'body' &&
  (path === '' || path === 'token') &&
  !errorCode.startsWith('additionalProperties')

/** The contract lets logout's `token` be absent, for a token in a cookie. */
function lacksToken({ state: { operation }, request }: ServiceContext): boolean {
  const body: unknown = request.body
  const hasNone = typeof body === 'object' && body !== null && !Object.hasOwn(body, 'token')
  return hasNone && operation?.mayLackToken === false
}

const noJson = { path: 'body', rule: 'must be JSON' }

/** Throws what the client is told. The cause is left out, because its errors may quote the request. */
const rethrow =
  (ctx: ServiceContext, limitAddress: LimitAddress) =>
  async (error: unknown): Promise<never> => {
    const { state } = ctx
    // A request that the operation has got is counted already.
    await limitAddress(state, 'unreadable')
    const isUnread = error instanceof UnreadableBody
    if (!isUnread && !(error instanceof BadRequest) && !isRefusal(error)) throw error
    const { operation, authorization, requester } = state
    const body: unknown = isUnread ? undefined : ctx.request.body
    const violations = isRefusal(error) ? error.errors : []
    const isBadQuery = error instanceof BadRequest
    if (isUnread || violations.some(isUnreadable) || (!isBadQuery && lacksToken(ctx)))
      await operation?.refuseBody?.(state)
    const isAuthenticated = await operation?.isAuthenticated?.({ authorization, requester, body })
    const faults = isBadQuery
      ? error.faults
      : isUnread
        ? [noJson]
        : faultsOf(operation, violations, body)
    throw badRequest(operation, faults, isAuthenticated ?? false)
  }
