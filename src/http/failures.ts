import { bearerChallenge } from '../bearer.js'
import { failures, ServiceError, type FailureCode } from '../errors.js'
import type { OperationId } from '../operations/operation.js'

/** An answer on its way out, before it is held against the contract. */
export type Outgoing = Readonly<{ status: number; body: unknown; headers?: Readonly<Record<string, string | string[]>> }>

/** When a repeat may find things better. */
const retryAfterS = '1'

/** What the caller gets for anything that was thrown. Nothing of the error itself is in it. */
export function failureAnswer(error: unknown, operationId: OperationId | undefined, authorization: readonly string[]): Outgoing {
  const code = codeOf(error, operationId)
  const { status, message } = failures[code]
  return {
    status,
    body: { success: false, message },
    headers: {
      ...((status === 401 || status === 403) && { 'WWW-Authenticate': bearerChallenge(status, authorization) }),
      ...(status >= 500 && { 'Retry-After': retryAfterS }),
      ...(error instanceof ServiceError && error.headers),
    },
  }
}

/** Whether an error is a fault of ours or of a part, which belongs into the error log. */
export const isFault = (error: unknown): boolean => !(error instanceof ServiceError) || failures[error.code].status >= 500

// The owner's contract knows only the 500 for logout; every other operation says 503 when it cannot tell.
function codeOf(error: unknown, operationId: OperationId | undefined): FailureCode {
  if (!isFault(error)) return (error as ServiceError).code
  return operationId === undefined || operationId === 'logout' ? 'internal_error' : 'store_unavailable'
}
