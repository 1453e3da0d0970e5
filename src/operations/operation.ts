import type { Readable } from 'node:stream'
import type { components, operations } from '../../generated/openapi.js'
import type { Client, Permission } from '../access/client.js'
import type { Clients } from '../access/clients.js'
import type { Requester } from '../audit/event.js'
import type { StaticDocument } from '../runtime/static-document.js'

export type OperationId = keyof operations

type Responses<Id extends OperationId> = operations[Id]['responses']
/** Media types that are sent piece by piece and are not validated by a schema. */
type StreamedTypes = 'text/event-stream' | 'application/octet-stream'
/** Media types of documents that are made once and sent by reference. */
type DocumentTypes = 'application/yaml' | 'text/css' | 'text/html' | 'text/javascript'
type Sent<Type, Content> = Type extends StreamedTypes
  ? Readable
  : Type extends DocumentTypes
    ? StaticDocument
    : Content extends components['schemas']['OpenApiDocument']
      ? StaticDocument
      : Content
type BodyOf<Response> = Response extends { content: infer Content }
  ? { [Type in keyof Content]: Sent<Type, Content[Type]> }[keyof Content]
  : undefined
type RequestBody<Id extends OperationId> = operations[Id] extends {
  requestBody: { content: infer Content }
}
  ? Content[keyof Content]
  : undefined

type ParametersOf<
  Id extends OperationId,
  Place extends 'query' | 'path',
> = operations[Id]['parameters'] extends { [P in Place]?: infer Given }
  ? Exclude<Given, undefined>
  : undefined

/** An answer that the contract declares for the operation. */
export type Answer<Id extends OperationId> = {
  [Status in keyof Responses<Id>]: Readonly<{
    status: Status
    body: BodyOf<Responses<Id>[Status]>
    /** Further header fields; `Content-Type` only where it is not JSON. */
    headers?: Readonly<Record<string, string | string[]>>
    /** For a streamed body: the connection of a client that reads more slowly is closed. */
    leastBytesPerS?: number
  }>
}[keyof Responses<Id>]

/** A request that the contract accepts. */
export type Request<Id extends OperationId> = Readonly<{
  body: RequestBody<Id>
  query: ParametersOf<Id, 'query'>
  params: ParametersOf<Id, 'path'>
  /** `Last-Event-ID`, when it is not empty. */
  lastEventId: string | undefined
  /** Every `Authorization` line. */
  authorization: readonly string[]
  /** `Cookie` and `Origin`, when the request has them; several lines are joined. */
  cookie: string | undefined
  origin: string | undefined
  /** `Host`, valid; absent or empty only where the client sent it so. */
  host: string | undefined
  requester: Requester
  /** Whether the client's own connection was HTTPS. */
  secure: boolean
}>

export type BodilessRequest = Pick<Request<OperationId>, 'authorization' | 'requester'>

/** A request that the contract refuses; its body is absent where it cannot be read. */
export type RefusedRequest = BodilessRequest & Readonly<{ body?: unknown }>

/** Facts of an operation that HTTP needs and that the contract cannot state. */
export type OperationTraits = Readonly<{
  /** Whether the limit per client address (`RATE_LIMIT_ADDRESS`) counts its requests. */
  limitedByAddress?: boolean
  /**
   * Whether the operation is a check. Then every method at its path, and at each path below, runs it:
   * otherwise an OPTIONS or a 204 would let a proxy's request through unchecked. Its request has no
   * body and no query.
   */
  isCheck?: boolean
  /**
   * Refuses a body that is unreadable or has no token; it always throws. `bad_request` by default.
   *
   * @param request without its body, which is not what the contract says
   */
  refuseBody?: (request: BodilessRequest) => Promise<never>
  /**
   * Whether a request that the contract refuses comes from a machine client with the permission,
   * which then gets `X-Error-Reason`. Throws for wrong credentials; false where they cannot be read.
   */
  isAuthenticated?: (request: RefusedRequest) => Promise<boolean>
  /** Whether a body may have no `token`, because the token may come in a cookie. */
  mayLackToken?: boolean
}>

/**
 * One operation of the contract: a function from request to answer, with its traits as properties.
 *
 * @throws ServiceError for every answer that is not a success
 */
export type Operation<Id extends OperationId> = ((request: Request<Id>) => Promise<Answer<Id>>) &
  OperationTraits

export const withTraits = <Id extends OperationId>(
  traits: OperationTraits,
  operation: (request: Request<Id>) => Promise<Answer<Id>>,
): Operation<Id> => Object.assign(operation, traits)

/** What an operation does once the client is authenticated. */
export type Run<Id extends OperationId> = (
  request: Request<Id>,
  client: Client,
) => Promise<Answer<Id>>

type ForClients<Id extends OperationId> = Readonly<{
  clients: Clients
  permission: Permission
  /** Whether the credentials may stand in the form that is the body (RFC 6749 §2.3.1). */
  inForm?: boolean
  run: Run<Id>
}>

/** An operation for the machine clients that have a permission. */
export function forClients<Id extends OperationId>(parts: ForClients<Id>): Operation<Id> {
  const { clients, permission, inForm = false, run } = parts
  const authenticate = ({ authorization, requester, body }: RefusedRequest) =>
    clients.authenticate(
      { authorization, requester, ...(inForm && { form: body as Record<string, unknown> }) },
      permission,
    )
  const isAuthenticated = async (request: RefusedRequest) => {
    // The credentials may stand in the form that cannot be read.
    if (inForm && request.body === undefined && request.authorization.length === 0) return false
    await authenticate(request)
    return true
  }
  return withTraits({ isAuthenticated }, async (request) =>
    run(request, await authenticate(request)),
  )
}

/** Every operation of the contract; a missing one does not compile. */
export type Operations = { readonly [Id in OperationId]: Operation<Id> }
