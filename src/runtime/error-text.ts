/**
 * An error as one line, without its stack: the messages of the error and of its causes. Node's
 * error for a host with several addresses has no message of its own, but one error for each.
 */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  const own = error.message === '' && first !== undefined ? errorText(first) : error.message
  const { code } = error as NodeJS.ErrnoException
  const text = own === '' ? (code ?? error.name) : own
  return error.cause === undefined ? text : `${text}: ${errorText(error.cause)}`
}

/** Whether an error shows a defect of the code that threw it, whose place is in its stack. */
export const isDefect = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  error instanceof SyntaxError
