/**
 * Reports an error of a function that the app has given, where no framework takes errors. It must
 * not end the process: a client may be able to cause it.
 */
export function warn(error: unknown): undefined {
  process.emitWarning(error instanceof Error ? error : String(error))
}
