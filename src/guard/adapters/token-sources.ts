import { cookieValues } from '../../runtime/cookie-values.js'
import { hasAccessToken } from '../../token/bearer.js'
import { GuardError } from '../error.js'
import { headerLines, queryOf, rawRequestOf } from './request-headers.js'

/** A bare token, or an `Authorization` header with its scheme. */
export type PresentedToken = string | Readonly<{ authorization: string }>

/**
 * Finds the token of a request. A source returns `undefined` or `null` when the request has none
 * there, so that sources can be combined:
 * `(request) => fromHeader()(request) ?? fromCookie('token')(request)`.
 */
export type TokenSource<Request = object> = {
  // As a method, so that a function which takes the framework's own type of request fits, too.
  read(
    request: Request,
  ): PresentedToken | null | undefined | Promise<PresentedToken | null | undefined>
}['read']

/**
 * A source for requests of `node:http` and Fetch, and for requests or contexts of Express, Fastify,
 * Koa, Hono and Nest. It throws a GuardError (401) for two tokens where one belongs.
 */
export type ReadToken<Presented extends PresentedToken = string> = (
  request: object,
) => Presented | undefined

/** The `Authorization` header, if it carries an access token (RFC 6750 §2.1). */
export const fromHeader = (): ReadToken<{ authorization: string }> => (request) => {
  const lines = headerLines(request, 'authorization')
  if (!lines.some(hasAccessToken)) return undefined
  return { authorization: onlyOne(lines) ?? '' }
}

const cookieSources = new WeakSet<object>()
const withCookieToken = new WeakSet<object>()

/**
 * The token in a cookie. An API that takes its token from a cookie needs a protection against
 * cross-site requests: `SameSite`, or a check of `Origin`.
 *
 * @throws TypeError for a name that no cookie can have (RFC 6265 §4.1.1)
 */
export function fromCookie(name: string): ReadToken {
  requireToken(name, 'fromCookie')
  const read: ReadToken = (request) => {
    const lines = headerLines(request, 'cookie')
    const token = onlyOne(lines.flatMap((line) => cookieValues(name, line)))
    if (token !== undefined) withCookieToken.add(rawRequestOf(request))
    return token
  }
  cookieSources.add(read)
  return read
}

/** Whether a source was made by `fromCookie`. */
export const isCookieSource = (source: unknown): boolean =>
  typeof source === 'function' && cookieSources.has(source)

/** Whether `fromCookie` has found a token in a request, also when another source called it. */
export const hasCookieToken = (request: object): boolean =>
  withCookieToken.has(rawRequestOf(request))

/**
 * The subprotocol after `name` in `Sec-WebSocket-Protocol`, as a browser sends it with
 * `new WebSocket(url, ['bearer', token])`.
 *
 * @throws TypeError for a name that no subprotocol can have (RFC 6455 §4.1)
 */
export function fromProtocol(name: string): ReadToken {
  requireToken(name, 'fromProtocol')
  return (request) => {
    const protocols = headerLines(request, 'sec-websocket-protocol')
      .flatMap((line) => line.split(','))
      .map((protocol) => protocol.trim())
    return onlyOne(
      protocols.flatMap((_, index) => (protocols[index - 1] === name ? [protocols[index]!] : [])),
    )
  }
}

/**
 * The token in a parameter of the query. Proxies, browsers and servers write queries into logs and
 * histories, so use it only where a client can send nothing else (RFC 6750 §2.3).
 *
 * @throws TypeError for an empty name
 */
export function fromQuery(name: string): ReadToken {
  if (typeof name !== 'string' || name === '')
    throw new TypeError('fromQuery: the name must be a string that is not empty')
  return (request) => onlyOne(new URLSearchParams(queryOf(request)).getAll(name))
}

/** The token, unless it is empty. @throws GuardError for two, even if they are equal */
function onlyOne(tokens: readonly string[]): string | undefined {
  if (tokens.length > 1)
    throw new GuardError('invalid_token', {
      authorization: tokens.map((token) => `Bearer ${token}`),
      reason: 'two_credentials',
    })
  return tokens[0] === '' ? undefined : tokens[0]
}

/** `token` of RFC 9110 §5.6.2. */
function requireToken(name: unknown, source: string): void {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
    throw new TypeError(`${source}: the name must have the characters of a token (RFC 9110 §5.6.2)`)
}
