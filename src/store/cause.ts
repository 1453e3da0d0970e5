/**
 * An error of the store as the log may have it. Redis quotes the arguments of a command that it refuses, which may be a session's id
 * or an audit event; its first word (`OOM`, `READONLY`, `ERR` …) says enough.
 */
export function withoutArguments(error: unknown): unknown {
  const [word] = /^[A-Z]{2,}(?= )/.exec(error instanceof Error ? error.message : '') ?? []
  return word === undefined ? error : new Error(`redis answered ${word}`)
}
