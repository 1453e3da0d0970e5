import { bearerChallenge } from '../token/bearer.js'
import { failures, ServiceError, type Reason } from '../errors.js'

/** Why a guard refuses. `unknown`: the guard does not know whether the token is revoked. */
export type GuardErrorCode = 'token_missing' | 'invalid_token' | 'token_expired' | 'unknown'

const reasons: Partial<Record<GuardErrorCode, Reason>> = {
  token_expired: 'expired',
  token_missing: 'no_credentials',
}

/**
 * What `check` throws. `status`, `headers` and `body` are the answer that the caller should get.
 */
export class GuardError extends Error {
  readonly code: GuardErrorCode
  readonly status: 401 | 503
  /** The challenge of a 401 (RFC 6750 §3). */
  readonly wwwAuthenticate: string | undefined

  constructor(
    code: GuardErrorCode,
    details: {
      authorization?: readonly string[]
      challenge?: string
      cause?: unknown
      message?: string
    } = {},
  ) {
    super(details.message ?? code, { cause: details.cause })
    this.name = 'GuardError'
    this.code = code
    this.status = code === 'unknown' ? 503 : 401
    const challenge =
      details.challenge ?? bearerChallenge(details.authorization ?? [], reasons[code])
    this.wwwAuthenticate = this.status === 503 ? undefined : challenge
  }

  /** `WWW-Authenticate` of a 401, `Retry-After` of a 503. */
  get headers(): Record<string, string> {
    return this.wwwAuthenticate === undefined
      ? { 'Retry-After': '1' }
      : { 'WWW-Authenticate': this.wwwAuthenticate }
  }

  /** The same envelope as the service's. */
  get body(): { success: false; message: string } {
    return {
      success: false,
      message: failures[this.code === 'unknown' ? 'store_unavailable' : 'invalid_token'].message,
    }
  }
}

/** An error of verification as a guard throws it: a key that cannot be fetched is `unknown`. */
export function guardErrorOf(error: unknown, authorization: readonly string[]): unknown {
  if (!(error instanceof ServiceError)) return error
  const { code } = error
  if (code === 'token_missing' || code === 'invalid_token')
    return new GuardError(code, { authorization })
  return new GuardError('unknown', { cause: error })
}

/** The refusal in an error. @throws any error that is none */
export function refusalOf(error: unknown): GuardError {
  if (error instanceof GuardError) return error
  throw error
}
