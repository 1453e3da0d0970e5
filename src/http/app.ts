import Koa from 'koa'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.js'
import type { ContractDocument } from '../contract.js'
import type { Operations } from '../operations/operation.js'
import { limitAddress, type AddressLimiters } from './address-limit.js'
import { answerRequests, type AnswerParts } from './answers.js'
import type { ClientAddresses } from './client-addresses.js'
import { allowOrigins } from './cors.js'
import { checkRequestHead } from './request-head.js'
import { identifyRequester } from './requester.js'
import { answerUnrouted, createRoutes } from './routes.js'
import { createPathForms, servedOperations } from './served-operations.js'

export type AppParts = Readonly<{
  document: ContractDocument
  operations: Operations
  addresses: ClientAddresses
  addressLimiters: AddressLimiters | undefined
  corsOrigins: readonly string[]
  audit: Audit
  observe: AnswerParts['observe']
  countFailure: AnswerParts['countFailure']
  log: Logger
  times: AnswerParts['times']
  isHosted: boolean
}>

/** Codes of the errors that a client causes by closing its connection. */
const hangUps = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ECONNABORTED', 'EPIPE']

/** The service over HTTP: the steps of every request, in order. */
export function createApp(parts: AppParts): Koa {
  const { document, operations, audit, observe, countFailure, log, times, isHosted } = parts
  const served = servedOperations(document, operations)
  const cors = allowOrigins(parts.corsOrigins, log)
  const app = new Koa()
  app.on('error', (error: NodeJS.ErrnoException) => {
    const { code } = error
    if (code !== undefined && hangUps.includes(code)) log.debug({ code }, 'the client hung up')
    else log.error({ err: error }, 'answer not sent')
  })
  const formOfPath = createPathForms(served.values())
  app.use(answerRequests({ audit, observe, countFailure, log, times, isHosted, formOfPath }))
  app.use(identifyRequester(parts.addresses, log))
  app.use(checkRequestHead)
  const limit = limitAddress(parts.addressLimiters)
  app.use(createRoutes({ document, operations, served, cors, limitAddress: limit }))
  app.use(answerUnrouted(cors))
  return app
}
