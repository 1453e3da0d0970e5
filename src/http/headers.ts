import type { RequestState } from './context.js'
import type { Outgoing } from './failures.js'

/** Header fields, names and values in turn, as `writeHead` takes them. */
export type Fields = (string | string[])[]

/** Header fields of every answer. An answer that is not JSON may replace their values. */
const fixedHeaders: readonly string[] = [
  'X-Content-Type-Options',
  'nosniff',
  'Cache-Control',
  'no-store',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy',
  'no-referrer',
]

/** The header fields of an answer, except `Content-Length`. */
export function headerFields(
  { requester, secure, limitHeaders = {} }: RequestState,
  { status, body, headers = {} }: Outgoing,
): Fields {
  const limits = status === 200 || status === 429 ? limitHeaders : {}
  const isJson = body !== undefined && headers['Content-Type'] === undefined
  const fields: Fields = [
    'X-Request-Id',
    requester.requestId,
    ...(isJson ? fixedHeaders : fixedHeadersWithout(headers)),
  ]
  if (isJson) fields.push('Content-Type', 'application/json; charset=utf-8')
  if (secure) fields.push('Strict-Transport-Security', 'max-age=31536000')
  for (const name in headers) fields.push(name, withLimit(name, limits[name], headers[name] ?? []))
  for (const name in limits) if (headers[name] === undefined) fields.push(name, limits[name] ?? [])
  return fields
}

const fixedHeadersWithout = (headers: Readonly<Record<string, unknown>>) =>
  fixedHeaders.filter((_, index) => headers[fixedHeaders[index - (index % 2)] ?? ''] === undefined)

/** `RateLimit` and `RateLimit-Policy` are lists: the address limit adds its member in front. */
const withLimit = (name: string, limit: string | undefined, value: string | string[]) =>
  limit === undefined || typeof value !== 'string' || name === 'Retry-After'
    ? value
    : `${limit}, ${value}`
