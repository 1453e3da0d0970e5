import { requestWithin, textOf } from '../runtime/http-client.js'
import type { Effort } from './effort.js'
import type { Answer } from './target.js'
import type { Filled } from './template.js'

/** Longest body that is read. */
const mostBytes = 1_048_576

/** An answer with its body. */
export type FullAnswer = Answer & Readonly<{ body: string }>

type Sender = Readonly<{ effort: Effort; answerMs: number; closing: AbortSignal }>

/**
 * Sends a request. A redirect is an answer, and is not followed: requests go to the addresses of
 * the configuration alone.
 *
 * @throws Error at a limit of the effort; no answer is an answer of status 0
 */
export async function sendRequest(
  { effort, answerMs, closing }: Sender,
  { method, url, headers, body }: Filled,
): Promise<FullAnswer> {
  effort.countRequest()
  const init = { method, headers, closing, ...(body !== undefined && { body }) }
  try {
    return await requestWithin(answerMs, url, init, async (answer) =>
      answerOf(answer.status, answer.headers, await textOf(answer, mostBytes)),
    )
  } catch (error) {
    closing.throwIfAborted()
    return answerOf(0, new Headers(), '', reasonOf(error))
  }
}

const answerOf = (status: number, headers: Headers, body: string, said?: string): FullAnswer => ({
  status,
  headers,
  body,
  said: said ?? `status ${status}`,
  isIn: status >= 200 && status < 300,
})

/** The code of Node's error, such as ECONNREFUSED; messages may quote the request. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string } }
  if (name === 'TimeoutError') return message
  return `no answer (${cause?.code ?? name})`
}

/** Whether an answer refuses a token, rather than being unable to tell. */
export const isRefusal = ({ status, isIn }: Answer): boolean =>
  !isIn && status >= 200 && status < 500 && status !== 408 && status !== 429
