import { ServiceError } from '../../errors.js'
import { cookieValues } from '../../runtime/cookie-values.js'

/** The cookie that may hold a token, and the origins whose pages may send it. */
export type AuthCookie = Readonly<{ name: string; origins: readonly string[] }>

/**
 * The token in the cookie of a request. A browser sends its cookies whatever page the request comes
 * from, so the cookie counts only where `Origin` (RFC 6454 §7) names a page that is trusted.
 *
 * @returns `undefined` when there is no such cookie, or it does not count
 * @throws ServiceError `invalid_token` for two cookies of that name: which one is meant is unknown
 */
export function cookieToken(
  { name, origins }: AuthCookie,
  { cookie, origin }: Readonly<{ cookie: string | undefined; origin: string | undefined }>,
): string | undefined {
  if (cookie === undefined || origin === undefined || !origins.includes(origin)) return undefined
  const [value, ...more] = cookieValues(name, cookie)
  if (more.length > 0) throw new ServiceError('invalid_token', { reason: 'two_credentials' })
  return value
}
