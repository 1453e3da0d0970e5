import { ServiceError, type FailureCode, type Reason } from '../errors.js'
import { withDeadline } from '../runtime/deadline.js'

/** The first word of Redis's error when session data could not be deleted (`commit.lua`). */
export const sessionsWord = 'SESSIONS'
const replyWord = /^[A-Z]{2,}(?= )/

/** There was no connection, and nothing was sent. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** Redis refused a command; `word` is the first word of its answer. */
export class RedisRefusal extends Error {
  constructor(readonly word: string) {
    super(`redis answered ${word}`)
  }
}

/** Session data could not be deleted, and nothing was stored. */
export class SessionsRefusal extends RedisRefusal {
  override message = 'redis did not delete session data'
}

/** The first word of Redis's error for a value that cierre did not write (the Lua scripts). */
export const foreignWord = 'FOREIGN'

/** A key of cierre holds a value that cierre did not write. It must not count as "not revoked". */
export class ForeignValue extends RedisRefusal {
  /** @param key the whole key in Redis, which names a revocation by its hash */
  constructor(readonly key: string) {
    super(foreignWord)
    this.message = `the value under ${key} is not one that cierre wrote`
  }
}

export const refusalOf = (word: string): RedisRefusal =>
  word === sessionsWord ? new SessionsRefusal(word) : new RedisRefusal(word)

/**
 * An error of the store, without anything that the log must not hold. Redis quotes the arguments of
 * a command that it refuses, which may be a session's id or an audit event. The first word of its
 * answer (`OOM`, `READONLY`, `ERR` …) says enough.
 */
export function withoutArguments(error: unknown): unknown {
  const [word] = replyWord.exec(error instanceof Error ? error.message : '') ?? []
  return word === undefined ? error : refusalOf(word)
}

const unavailable = {
  store: 'store_unavailable',
  sessions: 'session_store_unavailable',
} as const satisfies Partial<Record<Reason, FailureCode>>

/**
 * Runs work on a store, with a deadline.
 *
 * @throws ServiceError `store_unavailable` or `session_store_unavailable` for everything that
 *   `work` throws, and when the time is up
 */
export function answered<T>(
  whose: keyof typeof unavailable,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<T> {
  return withDeadline(work(), timeoutMs).catch((error: unknown) => {
    throw unavailableBy(withoutArguments(error), whose)
  })
}

export function unavailableBy(cause: unknown, whose: keyof typeof unavailable): ServiceError {
  const reason = cause instanceof SessionsRefusal ? 'sessions' : whose
  return new ServiceError(unavailable[reason], { cause, reason })
}

/** The clock of this instance and that of Redis differ, so neither can say what has expired. */
export class ClockDiffers extends Error {
  override readonly name = 'ClockDiffers'

  /** @param aheadMs how far the clock of this instance is ahead; negative: behind */
  constructor(aheadMs: number) {
    const seconds = Math.round(Math.abs(aheadMs) / 1000)
    super(`the clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of Redis`)
  }
}

/**
 * Redis holds a layout that this instance does not know, so it can neither read nor write
 * revocations.
 */
export class UnknownLayout extends Error {
  override readonly name = 'UnknownLayout'
}
