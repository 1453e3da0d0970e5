import { bearerChallenge } from '../token/bearer.js'
import { errorReasonOf, failures, ServiceError, type FailureCode } from '../errors.js'
import type { OperationId } from '../operations/operation.js'

/** An answer on its way out, before it is held against the contract. */
export type Outgoing = Readonly<{
  status: number
  body: unknown
  headers?: Readonly<Record<string, string | string[]>>
  leastBytesPerS?: number
}>

/** When a repeat may find things better. */
const retryAfterS = '1'

// Endpoints that an RFC defines answer in its form.
const oauthPaths = /^\/(?:oauth\/|api\/v1\/auth\/backchannel-logout)/

/** What the caller gets for anything that was thrown. Nothing of the error itself is in it. */
export function failureAnswer(
  error: unknown,
  request: { operationId?: OperationId; path: string; authorization: readonly string[] },
): Outgoing {
  const code = codeOf(error, request.operationId)
  const { status, message } = failures[code]
  return {
    status,
    body: oauthPaths.test(request.path)
      ? { error: oauthError(code, status) }
      : { success: false, message },
    headers: {
      ...challenge(code, error, request),
      ...reasonHeader(error),
      ...(status >= 500 && { 'Retry-After': retryAfterS }),
      ...(error instanceof ServiceError && error.headers),
    },
  }
}

/** RFC 6749 §5.2, and `temporarily_unavailable` of its §4.1.2.1 where only time helps. */
function oauthError(code: FailureCode, status: number): string {
  if (code === 'invalid_client') return 'invalid_client'
  if (code === 'not_permitted') return 'unauthorized_client'
  if (code === 'unsupported_token_type') return 'unsupported_token_type'
  return status === 429 || status >= 500 ? 'temporarily_unavailable' : 'invalid_request'
}

function challenge(
  code: FailureCode,
  error: unknown,
  { authorization }: { authorization: readonly string[] },
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

/** Whether an error is a fault of ours or of a part, which belongs into the error log. */
export const isFault = (error: unknown): boolean =>
  !(error instanceof ServiceError) || failures[error.code].status >= 500

// The owner's contract knows only the 500 for logout; every other operation says 503 when it cannot tell.
function codeOf(error: unknown, operationId: OperationId | undefined): FailureCode {
  if (!isFault(error)) return (error as ServiceError).code
  return operationId === undefined || operationId === 'logout'
    ? 'internal_error'
    : 'store_unavailable'
}
