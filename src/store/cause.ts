const replyWord = /^[A-Z]{2,}(?= )/

/** What Redis answered where it should have obeyed. */
export class RedisRefusal extends Error {}

/**
 * An error of the store as the log may have it. Redis quotes the arguments of a command that it refuses, which may be a session's id
 * or an audit event; its first word (`OOM`, `READONLY`, `ERR` …) says enough.
 */
export function withoutArguments(error: unknown): unknown {
  const [word] = replyWord.exec(error instanceof Error ? error.message : '') ?? []
  return word === undefined ? error : new RedisRefusal(`redis answered ${word}`)
}
