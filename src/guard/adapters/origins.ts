import type { IncomingMessage } from 'node:http'
import type { Report } from '../../token/options.js'
import { isSerialisedOrigin } from '../../runtime/serialised-origin.js'
import { headerLines } from './request-headers.js'

export const originsOption = {
  check(value: unknown, report: Report): readonly string[] | undefined {
    if (Array.isArray(value) && value.length > 0 && value.every(isOrigin)) return value
    report('must be an array of exact origins, such as https://app.example.com')
    return undefined
  },
}

const isOrigin = (value: unknown): value is string =>
  typeof value === 'string' && isSerialisedOrigin(value)

/**
 * Whether a page may open this connection. A browser sends `Origin` and its cookies with every
 * WebSocket handshake, also for a page of another site: no other check keeps that page out (RFC
 * 6455 §10.2). A browser leaves `Origin` out of a GET to the page's own site, such as Socket.IO's
 * first request. A page of another site cannot read the answer to such a GET.
 *
 * @param origins the allowed ones; `undefined` allows any, unless the token is from a cookie
 */
export function isAllowedOrigin(
  request: IncomingMessage,
  origins: readonly string[] | undefined,
  isTokenFromCookie: boolean,
): boolean {
  if (origins === undefined) return !isTokenFromCookie
  const [origin, ...more] = headerLines(request, 'origin')
  if (origin === undefined) return !isTokenFromCookie || request.headers.upgrade === undefined
  return more.length === 0 && origins.includes(origin)
}
