import { withController } from './abort.js'

/**
 * A deadline of running work: `signal` is aborted at the deadline, and `extend` moves the deadline
 * to `ms` from now.
 */
export type Deadline = Readonly<{ signal: AbortSignal; extend: (ms: number) => void }>

/** An answer over HTTP. Its pieces throw the reason of the signal once that is aborted. */
export type Answer = Pick<Response, 'status' | 'headers'> &
  Readonly<{ pieces: AsyncIterable<Uint8Array> }>

// Timers of our own, since Node loses some waits after a garbage collection: AbortSignal.any
// forgets timeouts that are referenced nowhere else, and fetch forgets its signal while the body
// arrives.

/**
 * Runs `work` with a signal that is aborted after `ms`, or when `closing` is.
 *
 * @throws what `work` throws: for an aborted signal a `TimeoutError`, or the reason of `closing`
 */
export const withDeadlineSignal = <T>(
  ms: number,
  closing: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> =>
  withController(closing, async (controller) => {
    const startTimer = (ms: number) =>
      setTimeout(
        () => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')),
        ms,
      )
    let timer = startTimer(ms)
    try {
      return await work({
        signal: controller.signal,
        extend(ms) {
          clearTimeout(timer)
          timer = startTimer(ms)
        },
      })
    } finally {
      clearTimeout(timer)
    }
  })

/**
 * Sends a request and reads its answer, whose body is cancelled when `read` is done. A redirect is
 * an answer of status 3xx and is not followed. (`redirect: 'error'` is not taken in edge runtimes.)
 *
 * @throws what `fetch` or `read` throws
 */
export async function request<T>(
  url: string | URL,
  init: Omit<RequestInit, 'redirect'> & { signal: AbortSignal },
  read: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { signal } = init
  const { status, headers, body } = await fetch(url, { ...init, redirect: 'manual' })
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  // The error of a broken body reaches the reader of its pieces; here it is of no interest.
  const cancel = () => void reader?.cancel().catch(() => undefined)
  signal.addEventListener('abort', cancel)
  if (signal.aborted) cancel()
  const readOn = async function* () {
    while (reader !== undefined) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      yield value
    }
  }
  try {
    return await read({ status, headers, pieces: readOn() })
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

/** `request` with a deadline of `ms`, or until `closing` is aborted. */
export const requestWithin = <T>(
  ms: number,
  url: string | URL,
  { closing, ...init }: Omit<RequestInit, 'signal' | 'redirect'> & { closing?: AbortSignal },
  read: (answer: Answer) => Promise<T>,
): Promise<T> =>
  withDeadlineSignal(ms, closing, ({ signal }) => request(url, { ...init, signal }, read))

/**
 * The whole body as text.
 *
 * @throws RangeError when it is longer than `mostBytes`
 */
export async function textOf({ pieces }: Answer, mostBytes = Infinity): Promise<string> {
  const all: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > mostBytes) throw new RangeError(`answered more than ${mostBytes} bytes`)
    all.push(piece)
  }
  return Buffer.concat(all).toString('utf8')
}
