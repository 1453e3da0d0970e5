/** Ends the waits of what it was made for; `extend` gives them so many milliseconds from now. */
export type Deadline = Readonly<{ signal: AbortSignal; extend: (ms: number) => void }>

/** An answer over HTTP. The body comes piece by piece, and ends with what the signal was aborted with. */
export type Answer = Pick<Response, 'status' | 'headers'> &
  Readonly<{ pieces: AsyncIterable<Uint8Array> }>

// Node's own means do not end every wait: once the garbage collector has run, AbortSignal.any forgets timeouts that nobody else holds, and
// fetch forgets its signal while the body comes in.

/**
 * Does what must not wait for longer than `ms`, nor after `closing` was aborted.
 *
 * @throws what `work` throws, which for a wait that was ended is a `TimeoutError`, or the reason of `closing`
 */
export async function withDeadlineSignal<T>(
  ms: number,
  closing: AbortSignal | undefined,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const late = (ms: number) =>
    setTimeout(
      () => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')),
      ms,
    )
  const close = () => controller.abort(closing?.reason)
  let timer = late(ms)
  closing?.addEventListener('abort', close)
  if (closing?.aborted === true) close()
  try {
    return await work({
      signal: controller.signal,
      extend(ms) {
        clearTimeout(timer)
        timer = late(ms)
      },
    })
  } finally {
    clearTimeout(timer)
    closing?.removeEventListener('abort', close)
  }
}

/**
 * Asks over HTTP, and lets go of the answer when `read` is done with it. Redirects are refused.
 *
 * @throws what `fetch` or `read` throws
 */
export async function request<T>(
  url: string | URL,
  init: RequestInit & { signal: AbortSignal },
  read: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { signal } = init
  const { status, headers, body } = await fetch(url, { redirect: 'error', ...init })
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined
  // What is wrong with the body is met by whoever reads it.
  const letGo = () => void reader?.cancel().catch(() => undefined)
  signal.addEventListener('abort', letGo)
  if (signal.aborted) letGo()
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
    signal.removeEventListener('abort', letGo)
    letGo()
  }
}

/** `request` and `read` in so many milliseconds, unless `closing` is aborted. */
export const requestWithin = <T>(
  ms: number,
  url: string | URL,
  { closing, ...init }: Omit<RequestInit, 'signal'> & { closing?: AbortSignal },
  read: (answer: Answer) => Promise<T>,
): Promise<T> =>
  withDeadlineSignal(ms, closing, ({ signal }) => request(url, { ...init, signal }, read))

/**
 * The whole body as text.
 *
 * @throws RangeError when it is longer than so many bytes
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
