import { bearerChallenge } from '../token/bearer.js'
import { errorReasonOf, failures, ServiceError, type FailureCode } from '../errors.js'
import type { FailureForm, ServedOperation } from './served-operations.js'

/** An answer before it is validated against the contract. */
export type Outgoing = Readonly<{
  status: number
  body: unknown
  headers?: Readonly<Record<string, string | string[]>>
  leastBytesPerS?: number
}>

/** What a failure answer depends on, besides the error. */
export type FailedRequest = Readonly<{
  operation: Pick<ServedOperation, 'outcomeUnknown'> | undefined
  form: FailureForm
  authorization: readonly string[]
}>

/** Seconds after which a repeated request may succeed. */
const retryAfterS = '1'

/** Whether a repeated request may succeed. A 501 is the client's fault. */
const isOutage = (status: number) => status === 500 || status === 503

/** The answer for anything that was thrown. It never quotes the message of the error. */
export function failureAnswer(error: unknown, request: FailedRequest): Outgoing {
  const code = codeOf(error, request.operation)
  const { status, message } = failures[code]
  return {
    status,
    body:
      request.form === 'oauth'
        ? { error: oauthError(code, status) }
        : { success: false, message, ...detailsOf(error) },
    headers: {
      ...challenge(code, error, request.authorization),
      ...reasonHeader(error),
      ...(isOutage(status) && { 'Retry-After': retryAfterS }),
      ...(error instanceof ServiceError && error.headers),
    },
  }
}

const detailsOf = (error: unknown) =>
  error instanceof ServiceError && error.details !== undefined ? { details: error.details } : {}

/** Codes of RFC 6749 §5.2, and `temporarily_unavailable` of §4.1.2.1 if a repeat may succeed. */
function oauthError(code: FailureCode, status: number): string {
  if (code === 'invalid_client') return 'invalid_client'
  if (code === 'not_permitted') return 'unauthorized_client'
  if (code === 'unsupported_token_type') return 'unsupported_token_type'
  return status === 429 || isOutage(status) ? 'temporarily_unavailable' : 'invalid_request'
}

function challenge(
  code: FailureCode,
  error: unknown,
  authorization: readonly string[],
): Record<string, string> {
  if (code === 'invalid_client' || code === 'not_permitted')
    return { 'WWW-Authenticate': 'Basic realm="cierre"' }
  const { status } = failures[code]
  if (status !== 401 && status !== 403) return {}
  const reason = error instanceof ServiceError ? error.reason : undefined
  return { 'WWW-Authenticate': bearerChallenge(authorization, reason) }
}

function reasonHeader(error: unknown): Record<string, string> {
  const reason = error instanceof ServiceError ? errorReasonOf(error) : undefined
  return reason === undefined ? {} : { 'X-Error-Reason': reason }
}

/** Whether the service or one of its parts failed. Any other error is a refusal. */
export const isServiceFailure = (error: unknown): boolean =>
  !(error instanceof ServiceError) || isOutage(failures[error.code].status)

function codeOf(error: unknown, operation: FailedRequest['operation']): FailureCode {
  if (!isServiceFailure(error)) return (error as ServiceError).code
  return operation?.outcomeUnknown ?? 'internal_error'
}
