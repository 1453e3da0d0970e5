import {
  bearerChallengeFor,
  scopeChallenge,
  writeChallenge,
  type Challenge,
  type ChallengeParameters,
} from '../token/bearer.js'
import { failures, ServiceError, type FailureCode, type Reason } from '../errors.js'

/**
 * Why a guard refuses. `unknown`: the guard does not know whether the token is revoked.
 * `origin_not_allowed`: the page may not open a connection; only adapters for sockets say so.
 */
export type GuardErrorCode =
  | 'token_missing'
  | 'invalid_token'
  | 'token_expired'
  | 'insufficient_scope'
  | 'origin_not_allowed'
  | 'unknown'

type ErrorWord =
  'invalid_token' | 'insufficient_scope' | 'origin_not_allowed' | 'temporarily_unavailable'

/**
 * The body of a refusal. In English it is the error code alone: `invalid_token` with every 401,
 * `insufficient_scope` with a 403 (RFC 6750 §3.1; `origin_not_allowed` is ours),
 * `temporarily_unavailable` with a 503 (RFC 6749 §4.1.2.1). In Spanish it is the envelope of the
 * service.
 */
export type RefusalBody =
  Readonly<{ error: ErrorWord }> | Readonly<{ success: false; message: string }>

/** How a refusal is worded; English and the realm `cierre` unless given. */
export type Wording = Readonly<{
  challenge?: ChallengeParameters | undefined
  language?: 'en' | 'es' | undefined
}>

type Answer = Readonly<{
  status: 401 | 403 | 503
  reason?: Reason
  error: ErrorWord
  /** Where the Spanish message stands. */
  failure: FailureCode
}>

const unauthorized = { status: 401, error: 'invalid_token', failure: 'invalid_token' } as const
const answers: Readonly<Record<GuardErrorCode, Answer>> = {
  token_missing: { ...unauthorized, reason: 'no_credentials' },
  invalid_token: unauthorized,
  token_expired: { ...unauthorized, reason: 'expired' },
  insufficient_scope: {
    status: 403,
    reason: 'permission',
    error: 'insufficient_scope',
    failure: 'not_permitted',
  },
  origin_not_allowed: { status: 403, error: 'origin_not_allowed', failure: 'not_permitted' },
  unknown: { status: 503, error: 'temporarily_unavailable', failure: 'store_unavailable' },
}

/**
 * What `check` throws. `status`, `headers` and `body` are the answer that the client should get.
 */
export class GuardError extends Error {
  readonly code: GuardErrorCode
  /** Why exactly, for a log: one word of a closed list. A client is not told. */
  readonly reason: Reason | undefined
  readonly status: 401 | 403 | 503
  /** What a 401 or 403 asks for; written in `wwwAuthenticate`. */
  readonly challenge: Challenge | undefined
  /** The challenge of a 401 or 403 (RFC 6750 §3). */
  readonly wwwAuthenticate: string | undefined
  readonly body: RefusalBody

  constructor(
    code: GuardErrorCode,
    details: {
      authorization?: readonly string[]
      challenge?: Challenge | undefined
      reason?: Reason | undefined
      cause?: unknown
      wording?: Wording
    } = {},
  ) {
    super(code, { cause: details.cause })
    const { status, reason, error, failure } = answers[code]
    this.name = 'GuardError'
    this.code = code
    this.reason = details.reason ?? reason
    this.status = status
    this.challenge = details.challenge ?? challengeOf(code, this.reason, details.authorization)
    this.wwwAuthenticate =
      this.challenge && writeChallenge(this.challenge, details.wording?.challenge)
    this.body =
      details.wording?.language === 'es'
        ? { success: false, message: failures[failure].message }
        : { error }
  }

  /** `WWW-Authenticate` of a 401 or 403 for the token, `Retry-After` of a 503. */
  get headers(): Record<string, string> {
    if (this.status === 503) return { 'Retry-After': '1' }
    return this.wwwAuthenticate === undefined ? {} : { 'WWW-Authenticate': this.wwwAuthenticate }
  }
}

/** What another token would help: neither what is unknown nor the origin of a page. */
function challengeOf(
  code: GuardErrorCode,
  reason: Reason | undefined,
  authorization: readonly string[] = [],
): Challenge | undefined {
  if (code === 'unknown' || code === 'origin_not_allowed') return undefined
  if (code === 'insufficient_scope') return scopeChallenge
  return bearerChallengeFor(authorization, reason)
}

/** The same refusal in other words. */
export const reworded = (error: GuardError, wording: Wording): GuardError =>
  new GuardError(error.code, {
    challenge: error.challenge,
    reason: error.reason,
    cause: error.cause,
    wording,
  })

/** An error of verification as a guard throws it: a key that cannot be fetched is `unknown`. */
export function guardErrorOf(error: unknown, authorization: readonly string[]): unknown {
  if (!(error instanceof ServiceError)) return error
  const { code, reason } = error
  if (code === 'token_missing' || code === 'invalid_token')
    return new GuardError(code, { authorization, reason })
  return new GuardError('unknown', { reason, cause: error })
}

/** The error if it is a refusal. @throws any other error */
export function refusalOf(error: unknown): GuardError {
  if (error instanceof GuardError) return error
  throw error
}
