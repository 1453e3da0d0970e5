import type { Context } from 'koa'
import type { Requester } from '../audit/event.js'
import type { OperationId, Operations } from '../operations/operation.js'
import type { Outgoing } from './failures.js'
import type { ServedOperation } from './served-operations.js'

/** What an app serves the operations of its contract with. */
export type ServedApp = Readonly<{
  operations: Operations
  served: ReadonlyMap<OperationId, ServedOperation>
  /** Runs once the operation is known, before its request is read. */
  cors: Middleware
  limitAddress: LimitAddress
}>

/** Counts a request, once, if its operation is limited by address. */
export type LimitAddress = (state: RequestState, kind: 'readable' | 'unreadable') => Promise<void>

/** What the middleware of one request share. */
export type RequestState = {
  requester: Requester
  /** Whether the client's own connection was HTTPS. */
  secure: boolean
  /** Every `Authorization` line. */
  authorization: readonly string[]
  /** The path of the request; empty until it is known to be valid. */
  path: string
  /** The operation that the router found. */
  operation: ServedOperation | undefined
  answer: Outgoing | undefined
  /** Header fields that the address limit adds to the answer. */
  limitHeaders: Record<string, string> | undefined
}

/** `servedApp` is there once the request comes to the routes. */
export type ServiceContext = Context & { state: RequestState; servedApp: ServedApp }
export type Middleware = (ctx: ServiceContext, next: () => Promise<void>) => Promise<void>
