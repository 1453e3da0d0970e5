/**
 * Reports an error of the app's own function, where no framework handles errors. The error must not
 * end the process, because a client may be able to cause it.
 */
export function warn(error: unknown): undefined {
  process.emitWarning(error instanceof Error ? error : String(error))
}
