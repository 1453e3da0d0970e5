import { requestWithin, textOf, type Answer } from '../runtime/http-client.js'

const timeoutMs = 5_000
const largestBytes = 1 << 20

/** Why a document is not used, in words for the log. */
export class FetchError extends Error {}

/**
 * Fetches a JSON document within 5 s. Redirects are refused.
 *
 * @throws FetchError for an answer that is not 200 or no JSON; RangeError for one over 1 MiB; what
 * `fetch` throws
 */
export async function fetchJson(
  uri: string,
  { accept, closing }: Readonly<{ accept: string; closing: AbortSignal }>,
): Promise<unknown> {
  const headers = { accept, 'cache-control': 'no-cache' }
  const text = await requestWithin(timeoutMs, uri, { headers, closing }, async (answer) => {
    if (answer.status !== 200) throw new FetchError(`answered ${statusOf(answer, uri)}`)
    return textOf(answer, largestBytes)
  })
  // A byte order mark is a blank to `trim`, but not to JSON.
  const trimmed = text.trim()
  if (trimmed.startsWith('<')) throw new FetchError('answered HTML or XML, no JSON')
  return parseJson(trimmed)
}

/** The status, and of a redirect where to: host and path, since a query may hold a secret. */
function statusOf({ status, headers }: Pick<Answer, 'status' | 'headers'>, uri: string): string {
  const location = headers.get('location')
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, uri))
    return String(status)
  const { host, pathname, protocol } = new URL(location, uri)
  return `${status}, a redirect to ${protocol}//${host}${pathname}, which is not followed`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the answer.
    throw new FetchError('answered no JSON')
  }
}

/**
 * A short reason for the log. The messages of other errors may quote the URL and a secret in it.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof FetchError || error instanceof RangeError) return error.message
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}
