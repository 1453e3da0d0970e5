/** How the commit's answer begins when session data could not be deleted. */
export const sessionsWord = 'SESSIONS'
const replyWord = /^[A-Z]{2,}(?= )/

/** What Redis answered where it should have obeyed. */
export class RedisRefusal extends Error {}

/** Session data could not be deleted, and nothing was stored. */
export class SessionsRefusal extends RedisRefusal {}

/**
 * An error of the store as the log may have it. Redis quotes the arguments of a command that it refuses, which may be a session's id
 * or an audit event; its first word (`OOM`, `READONLY`, `ERR` …) says enough.
 */
export function withoutArguments(error: unknown): unknown {
  const [word] = replyWord.exec(error instanceof Error ? error.message : '') ?? []
  if (word === sessionsWord) return new SessionsRefusal('redis did not delete session data')
  return word === undefined ? error : new RedisRefusal(`redis answered ${word}`)
}
