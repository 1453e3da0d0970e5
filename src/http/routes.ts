import Router from '@koa/router'
import type { Context } from 'koa'
import { initialize } from 'koa-openapi'
import type { Requester } from '../audit/audit.js'
import { documentedOperations, type ContractDocument } from '../contract.js'
import { ServiceError } from '../errors.js'
import type { OperationId, Operations, Request } from '../operations/operation.js'
import type { Outgoing } from './failures.js'

/** What the middleware tell each other about one request. */
export type RequestState = {
  requester: Requester
  secure: boolean
  authorization: readonly string[]
  path: string
  operationId?: OperationId
  answer?: Outgoing | undefined
  /** Header fields that the rate limit adds to the answer. */
  limitHeaders?: Record<string, string>
}

export type ServiceContext = Context & { state: RequestState }
export type Middleware = (ctx: ServiceContext, next: () => Promise<void>) => Promise<void>

/** The routes of the contract, matched strictly, and its request validation. */
export type ContractRoutes = {
  /** The operation of a method and path, else the methods that the path knows. */
  match(method: string, path: string): { operationId: OperationId } | { allow: readonly string[] }
  /** Validates the request and runs its operation. */
  run(ctx: ServiceContext): Promise<Outgoing | undefined>
}

/**
 * koa-openapi: routes and the validation of parameters. It authenticates nobody (it does not wait for its security handlers) and checks no
 * response (`responses.ts` does, formats included).
 */
export function createContractRoutes(
  document: ContractDocument,
  operations: Operations,
): ContractRoutes {
  const router = new Router({ strict: true, sensitive: true })
  const all = Object.entries(operations) as [OperationId, AnyOperation][]
  initialize({
    router,
    apiDoc: {
      ...document,
      paths: Object.fromEntries(
        Object.entries(document.paths as Record<string, Record<string, object>>).map(
          ([path, item]) => [path, withoutIdleSteps(item)],
        ),
      ),
      // The server's path would become a prefix of every route.
      servers: undefined,
      // Its response validators are not used; they would only cost start-up time.
      'x-koa-openapi-disable-response-validation-middleware': true,
    } as never,
    operations: Object.fromEntries(all.map(([id, operation]) => [id, handler(operation)])) as never,
    // It takes the document for OpenAPI 3.0; our linter has checked it as what it is.
    validateApiDoc: false,
    exposeApiDocs: false,
  } as unknown as Parameters<typeof initialize>[0])
  // Operations without query parameters ignore a query, as what probes and caches put there is nobody's mistake.
  const queries = new Map(
    documentedOperations(document).flatMap(({ operationId, parameters = [] }) => {
      const names = parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name)
      return names.length === 0 ? [] : [[operationId, new Set(names)]]
    }),
  )
  const routes = router.routes() as unknown as Middleware
  // Most paths are fixed: they need not be held against every pattern.
  const fixed = new Map<string, Map<string, { operationId: OperationId }>>()
  for (const { paramNames, path, methods, name } of router.stack) {
    if (paramNames.length > 0) continue
    const byMethod = fixed.get(String(path)) ?? new Map<string, { operationId: OperationId }>()
    for (const method of methods) byMethod.set(method, { operationId: name as OperationId })
    fixed.set(String(path), byMethod)
  }
  // koa-openapi's steps are for parameters; without any, what it would do for each request is to wait for the operation.
  const withParameters = new Set(
    documentedOperations(document).flatMap(({ operationId, parameters = [] }) =>
      parameters.length > 0 ? [operationId] : [],
    ),
  )
  const direct = new Map(all.filter(([operationId]) => !withParameters.has(operationId)))
  const runByPath = async (ctx: ServiceContext) => {
    try {
      await routes(ctx, nothingMore)
      return ctx.state.answer
    } catch (error) {
      throw translate(error)
    }
  }
  return {
    match(method, path) {
      const found = fixed.get(path)?.get(method)
      if (found !== undefined) return found
      const matched = router.match(path, method)
      // The contract has /revocations/snapshot before /revocations/{key}.
      const [layer] = matched.pathAndMethod
      if (matched.route && layer?.name != null) return { operationId: layer.name as OperationId }
      return { allow: [...new Set(matched.path.flatMap(({ methods }) => methods))] }
    },
    run(ctx) {
      const { operationId } = ctx.state
      // koa-openapi would join the values of a parameter that is sent twice, and pass over one that nobody knows.
      const known = operationId && queries.get(operationId)
      const isKnown = ([name, value]: [string, unknown]) =>
        !Array.isArray(value) && (known === undefined || known.has(name))
      if (ctx.req.url?.includes('?') && !Object.entries(ctx.query).every(isKnown))
        throw new ServiceError('bad_request', { reason: 'body' })
      const operation = operationId && direct.get(operationId)
      return operation ? operation(requestOf(ctx)) : runByPath(ctx)
    },
  }
}

export const nothingMore = async () => undefined

/** koa-openapi's own steps are for parameters; bodies are held against code that is compiled ahead (`body.ts`). */
const withoutIdleSteps = (item: Record<string, object>) =>
  Object.fromEntries(
    Object.entries(item).map(([method, operation]) => [
      method,
      'parameters' in operation
        ? operation
        : { ...operation, 'x-koa-openapi-disable-middleware': true },
    ]),
  )

/** Whichever operation it is, koa-openapi or the compiled validators have held its request against the contract. */
type AnyOperation = (request: Record<keyof Request<OperationId>, unknown>) => Promise<Outgoing>

const requestOf = (
  { request, state }: ServiceContext,
  parameters: { query?: unknown; params?: unknown; lastEventId?: string | undefined } = {},
) => ({
  body: request.body,
  query: parameters.query,
  params: parameters.params,
  lastEventId: parameters.lastEventId,
  authorization: state.authorization,
  requester: state.requester,
  secure: state.secure,
})

const handler = (operation: AnyOperation) => async (ctx: ServiceContext) => {
  const parameters = {
    query: ctx.request.query,
    params: ctx['params'] as unknown,
    lastEventId: ctx.get('Last-Event-ID') || undefined,
  }
  ctx.state.answer = await operation(requestOf(ctx, parameters))
}

function translate(error: unknown): unknown {
  return error instanceof Error && 'errors' in error && 'status' in error
    ? new ServiceError('bad_request', { reason: 'body' })
    : error
}
