/** How the commit's answer begins when session data could not be deleted. */
export const sessionsWord = 'SESSIONS'
const replyWord = /^[A-Z]{2,}(?= )/

/** There was no connection, and nothing was sent. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** What Redis answered, in its first word, where it should have obeyed. */
export class RedisRefusal extends Error {
  constructor(readonly word: string) {
    super(`redis answered ${word}`)
  }
}

/** Session data could not be deleted, and nothing was stored. */
export class SessionsRefusal extends RedisRefusal {
  override message = 'redis did not delete session data'
}

export const refusalOf = (word: string): RedisRefusal =>
  word === sessionsWord ? new SessionsRefusal(word) : new RedisRefusal(word)

/**
 * An error of the store as the log may have it. Redis quotes the arguments of a command that it refuses, which may be a session's id
 * or an audit event; its first word (`OOM`, `READONLY`, `ERR` …) says enough.
 */
export function withoutArguments(error: unknown): unknown {
  const [word] = replyWord.exec(error instanceof Error ? error.message : '') ?? []
  return word === undefined ? error : refusalOf(word)
}
