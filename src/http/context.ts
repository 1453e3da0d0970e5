import type { Context } from 'koa'
import type { Requester } from '../audit/event.js'
import type { Outgoing } from './failures.js'
import type { ServedOperation } from './served-operations.js'

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

export type ServiceContext = Context & { state: RequestState }
export type Middleware = (ctx: ServiceContext, next: () => Promise<void>) => Promise<void>
