import Router, { type Layer } from '@koa/router'
import { initialize } from 'koa-openapi'
import {
  documentedOperations,
  referencedSchemas,
  type ContractDocument,
  type DocumentedOperation,
} from '../contract.js'
import { ServiceError } from '../errors.js'
import type { OperationId, Operations, Request } from '../operations/operation.js'
import type { LimitAddress } from './address-limit.js'
import type { Middleware, ServiceContext } from './context.js'
import type { Outgoing } from './failures.js'
import { strictQueryCheck } from './query-check.js'
import { readableTypes, readBody, UnreadableBody } from './request-body.js'
import { BadRequest, badRequest, faultsOf, type Violation } from './request-faults.js'
import type { ServedOperation } from './served-operations.js'

export type RouteParts = Readonly<{
  document: ContractDocument
  operations: Operations
  served: ReadonlyMap<OperationId, ServedOperation>
  /** Runs once the operation is known, before its request is read. */
  cors: Middleware
  limitAddress: LimitAddress
}>

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
  const { document, operations, served, cors, limitAddress } = parts
  const router = new Router({ strict: true, sensitive: true })
  const documented = documentedOperations(document)
  documented.forEach(requireReadable)
  initialize({
    router: registrar(router, served, cors),
    apiDoc: requestsOf(document),
    operations: Object.fromEntries(
      documented.map((one) => [one.operationId, handlerOf(one, operations, limitAddress)]),
    ),
    consumesMiddleware: Object.fromEntries(readableTypes.map((type) => [type, readBody(type)])),
    // koa-openapi would refuse a document of OpenAPI 3.1. `npm run check` validates the document.
    validateApiDoc: false,
    exposeApiDocs: false,
    // The type of `initialize` demands every optional argument, and a document of OpenAPI 3.0.
  } as unknown as Parameters<typeof initialize>[0])
  for (const { operationId, path } of documented)
    if (operations[operationId].isCheck === true)
      router.all(
        [path, `${path}/`, `${path}/*below`],
        checkOf(served.get(operationId), operations[operationId]),
      )
  const dispatch = router.routes() as unknown as Middleware
  return (ctx, next) => dispatch(ctx, next).catch(rethrow(ctx, limitAddress))
}

type AnyOperation = (request: never) => Promise<Outgoing>
type Run = (ctx: ServiceContext) => Promise<void>

/**
 * The router as koa-openapi sees it: each route is registered unchanged, behind CORS. As
 * middleware of the router that would cost 3 µs more per request.
 */
function registrar(router: Router, served: RouteParts['served'], cors: Middleware) {
  const behind = (name: OperationId, run: Run) =>
    withOperation(served.get(name), (ctx) => cors(ctx, () => run(ctx)))
  return {
    get: (name: OperationId, path: string, run: Run) => router.get(name, path, behind(name, run)),
    post: (name: OperationId, path: string, run: Run) => router.post(name, path, behind(name, run)),
  }
}

const withOperation =
  (operation: ServedOperation | undefined, run: Run): Run =>
  (ctx) => {
    ctx.state.operation = operation
    return run(ctx)
  }

/**
 * Every other method of a check, and every path below its own. The contract cannot describe that.
 * Without CORS: a preflight request is a question like any other.
 */
function checkOf(served: ServedOperation | undefined, operation: AnyOperation): Run {
  const run = async (ctx: ServiceContext) => {
    ctx.state.answer = await operation(acceptedRequest(ctx) as never)
  }
  return withOperation(served, run)
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

function handlerOf(
  { operationId, parameters = [] }: DocumentedOperation,
  operations: Operations,
  limitAddress: LimitAddress,
) {
  const operation: AnyOperation = operations[operationId]
  const checkQuery = strictQueryCheck(operationId, parameters)
  return async (ctx: ServiceContext) => {
    const { querystring } = ctx.request
    const fault = querystring === '' ? undefined : checkQuery(querystring)
    if (fault !== undefined) throw new BadRequest([fault])
    await limitAddress(ctx.state, lacksToken(ctx) ? 'unreadable' : 'readable')
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
