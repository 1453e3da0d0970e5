import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.js'
import { StaticDocument } from '../runtime/static-document.js'
import { ServiceError } from '../errors.js'
import type { OperationId } from '../operations/operation.js'
import type { Middleware, ServiceContext } from './context.js'
import { failureAnswer, isServiceFailure, type Outgoing } from './failures.js'
import { violationOf } from './response-check.js'
import { send, type StreamTimes } from './send.js'
import type { FailureForm } from './served-operations.js'
import { staticAnswer } from './static-answer.js'

type FailedRequest = Readonly<{ requestId: string; operationId: OperationId | undefined }>

export type AnswerParts = Readonly<{
  audit: Pick<Audit, 'sample'>
  log: Pick<Logger, 'error' | 'warn'>
  /** Called for every answer, with the seconds since the head of its request. */
  observe: (operation: OperationId | undefined, status: number, seconds: number) => void
  /** Counts a failure among those of an outage, and says whether it is one. */
  countFailure: (error: unknown, request: FailedRequest) => boolean
  /** The failure form of a path that has no operation. */
  formOfPath: (path: string) => FailureForm
  times: StreamTimes
  /** Whether the response belongs to an app around this one. */
  isHosted: boolean
}>

/**
 * Middleware: sends what the later steps returned or threw, as an answer that the contract
 * declares. Answers are validated in production, too.
 */
export function answerRequests(parts: AnswerParts): Middleware {
  const finish = (ctx: ServiceContext, begunAtMs: number, outgoing: Outgoing) => {
    const answer = negotiated(parts, ctx, validated(parts, ctx, outgoing))
    send(ctx, answer, parts)
    const seconds = (performance.now() - begunAtMs) / 1000
    parts.observe(ctx.state.operation?.operationId, answer.status, seconds)
  }
  return async (ctx, next) => {
    const begunAtMs = performance.now()
    try {
      await next()
      const { answer } = ctx.state
      // The object of the body may be freed while its bytes are sent.
      ctx.state.answer = undefined
      if (answer !== undefined) finish(ctx, begunAtMs, answer)
    } catch (error) {
      sampleRefusal(parts.audit, ctx, error)
      finish(ctx, begunAtMs, failed(parts, ctx, error))
    }
  }
}

function failed(parts: AnswerParts, ctx: ServiceContext, error: unknown): Outgoing {
  const { log, countFailure, formOfPath } = parts
  const { operation, path, authorization, requester } = ctx.state
  const request = { requestId: requester.requestId, operationId: operation?.operationId }
  // In an outage hundreds of guards ask every second, so its requests are counted, not logged.
  if (isServiceFailure(error) && !countFailure(error, request))
    log.error({ err: error, ...request }, 'request failed')
  const form = operation?.failureForm ?? formOfPath(path)
  return failureAnswer(error, { operation, form, authorization })
}

/** The answer itself, or a failure when the contract does not declare the answer. */
function validated(parts: AnswerParts, ctx: ServiceContext, outgoing: Outgoing): Outgoing {
  const { operation } = ctx.state
  const violation = operation && violationOf(operation.operationId, outgoing)
  if (violation === undefined) return outgoing
  return failed(parts, ctx, new Error(`an answer violates the contract: ${violation}`))
}

/** A static document in the coding that the client prefers; any other answer unchanged. */
function negotiated(parts: AnswerParts, ctx: ServiceContext, outgoing: Outgoing): Outgoing {
  if (!(outgoing.body instanceof StaticDocument)) return outgoing
  ctx.vary('Accept-Encoding')
  const chosen = staticAnswer(outgoing, outgoing.body, ctx.req.headers)
  return chosen.body === undefined ? validated(parts, ctx, chosen) : chosen
}

function sampleRefusal(
  audit: AnswerParts['audit'],
  { state }: ServiceContext,
  error: unknown,
): void {
  if (!(error instanceof ServiceError) || error.reason === undefined) return
  const event = unauthenticatedEvents[error.code]
  if (event === undefined) return
  const { reason } = error
  const outcome = isServiceFailure(error) ? 'unknown' : 'refused'
  audit.sample({ event, outcome, reason, requester: state.requester })
}

type SampledEvent = 'authn_login_fail' | 'input_validation_fail' | 'excess_rate_limit_exceeded'

/** The audit event of a refusal whose requester has not authenticated. */
const unauthenticatedEvents: Partial<Record<ServiceError['code'], SampledEvent>> = {
  token_missing: 'authn_login_fail',
  invalid_token: 'authn_login_fail',
  keys_unavailable: 'authn_login_fail',
  invalid_client: 'authn_login_fail',
  bad_request: 'input_validation_fail',
  body_too_large: 'input_validation_fail',
  unsupported_media_type: 'input_validation_fail',
  unsupported_transfer_coding: 'input_validation_fail',
  too_many_requests: 'excess_rate_limit_exceeded',
}
