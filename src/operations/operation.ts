import type { Readable } from 'node:stream'
import type { components, operations } from '../../generated/openapi.js'
import type { Requester } from '../audit/audit.js'
import type { StaticDocument } from '../runtime/static-document.js'

export type OperationId = keyof operations

type Responses<Id extends OperationId> = operations[Id]['responses']
/** What is sent piece by piece, and not held against a schema. */
type StreamedTypes = 'text/event-stream' | 'application/octet-stream'
/** What is made once and sent by reference; so is the contract as JSON. */
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
    /** Of what is sent piece by piece: a reader that takes less is cut off. */
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
  requester: Requester
  /** Whether the client's own connection was HTTPS. */
  secure: boolean
}>

/**
 * One operation of the contract: request in, answer out.
 *
 * @throws ServiceError for every answer that is not a success
 */
export type Operation<Id extends OperationId> = (request: Request<Id>) => Promise<Answer<Id>>

/** All of them; one that is missing does not compile. */
export type Operations = { readonly [Id in OperationId]: Operation<Id> }
