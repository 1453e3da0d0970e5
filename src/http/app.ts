import Koa from 'koa'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.js'
import type { ContractDocument } from '../contract.js'
import { ServiceError } from '../errors.js'
import { rateLimitHeaders, type AddressLimiter } from '../access/rate-limits.js'
import type { Operations } from '../operations/operation.js'
import { answerRequests, type AnswerParts } from './answers.js'
import type { ClientAddresses } from './client-addresses.js'
import type { Middleware } from './context.js'
import { allowOrigins } from './cors.js'
import { checkRequestHead } from './request-head.js'
import { identifyRequester } from './requester.js'
import { answerUnrouted, createRoutes } from './routes.js'
import { createPathForms, servedOperations } from './served-operations.js'

export type AppParts = Readonly<{
  document: ContractDocument
  operations: Operations
  addresses: ClientAddresses
  addressLimiter: AddressLimiter | undefined
  corsOrigins: readonly string[]
  audit: Audit
  observe: AnswerParts['observe']
  log: Logger
  times: AnswerParts['times']
  isHosted: boolean
}>

/** The service over HTTP: the steps of every request, in order. */
export function createApp(parts: AppParts): Koa {
  const { document, operations, audit, observe, log, times, isHosted } = parts
  const served = servedOperations(document, operations)
  const cors = allowOrigins(parts.corsOrigins, log)
  const before = [cors, limitAddress(parts.addressLimiter)].filter((step) => step !== undefined)
  const app = new Koa()
  app.on('error', (error: NodeJS.ErrnoException) => {
    // The client has closed its connection.
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return
    log.error({ err: error }, 'answer not sent')
  })
  const formOfPath = createPathForms(served.values())
  app.use(answerRequests({ audit, observe, log, times, isHosted, formOfPath }))
  app.use(identifyRequester(parts.addresses, log))
  app.use(checkRequestHead)
  app.use(createRoutes({ document, operations, served, before }))
  app.use(answerUnrouted(cors))
  return app
}

/** Middleware: applies the limit per client address to the operations that have it. */
function limitAddress(limiter: AddressLimiter | undefined): Middleware | undefined {
  if (limiter === undefined) return undefined
  return async ({ state }, next) => {
    if (state.operation?.limitedByAddress) {
      const verdict = await limiter.consume(state.requester.address)
      state.limitHeaders = rateLimitHeaders(limiter, verdict)
      if (!verdict.allowed) throw new ServiceError('too_many_requests', { reason: 'address_limit' })
    }
    return next()
  }
}
