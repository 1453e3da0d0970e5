import type { IncomingMessage } from 'node:http'

type NodeRequest = Pick<IncomingMessage, 'rawHeaders' | 'url'>
type FetchRequest = Readonly<{ headers: { get(name: string): string | null }; url: string }>

/**
 * The request of `node:http` or of Fetch in a framework's request or context: that request itself
 * (`node:http`, Express, Nest, Fetch), `.raw` (Fastify), `.req` (Koa), `.req.raw` (Hono),
 * `.request` (Socket.IO), or `.extra.request` (graphql-ws).
 *
 * @throws TypeError for any other value
 */
export function rawRequestOf(request: object): NodeRequest | FetchRequest {
  let found = request as Record<string, unknown>
  for (let depth = 0; depth < 3; depth += 1) {
    if (Array.isArray(found['rawHeaders'])) return found as NodeRequest
    if (isFetchHeaders(found['headers'])) return found as FetchRequest
    const inner = found['raw'] ?? found['req'] ?? found['request'] ?? found['extra']
    if (typeof inner !== 'object' || inner === null) break
    found = inner as Record<string, unknown>
  }
  throw new TypeError('a token is read from a request of node:http, Fetch or a known framework')
}

const isFetchHeaders = (headers: unknown) =>
  typeof (headers as { get?: unknown } | undefined)?.get === 'function'

/**
 * Every line of a header. Node's own object of all headers shows only the first of two
 * `Authorization` lines, and making it takes longer than the check. Fetch joins lines by commas.
 *
 * @param name in lower case
 */
export function headerLines(request: object, name: string): readonly string[] {
  const raw = rawRequestOf(request)
  if (!('rawHeaders' in raw)) {
    const joined = raw.headers.get(name)
    return joined === null ? [] : [joined]
  }
  const lines: string[] = []
  const { rawHeaders } = raw
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const found = rawHeaders[index]!
    if (found.length === name.length && found.toLowerCase() === name)
      lines.push(rawHeaders[index + 1]!)
  }
  return lines
}

/** The `Authorization` header, or every line of it. */
export function authorizationOf(request: object): string | readonly string[] | undefined {
  const lines = headerLines(request, 'authorization')
  return lines.length > 1 ? lines : lines[0]
}

/** The query of the target, without its question mark. */
export function queryOf(request: object): string {
  const [target = ''] = (rawRequestOf(request).url ?? '').split('#', 1)
  const start = target.indexOf('?')
  return start === -1 ? '' : target.slice(start + 1)
}
