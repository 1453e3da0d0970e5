import type { ExpiredCookie } from '../config/cookies.js'

type Headers = Record<string, string | string[]>

/** The `Set-Cookie` by which a browser deletes a cookie (RFC 6265 §3.1). */
export const expiringLine = ({ name, attributes }: ExpiredCookie): string =>
  [`${name}=`, ...attributes, 'Max-Age=0', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'].join('; ')

/**
 * The header fields by which a browser deletes its cookies and storage. Browsers honour
 * `Clear-Site-Data` over HTTPS only.
 */
export function clearingHeaders({
  cookies,
  clearSiteData,
}: {
  cookies: readonly ExpiredCookie[]
  clearSiteData: string
}): Readonly<{ https: Headers; http: Headers }> {
  const expired = [...new Set(cookies.map(expiringLine))]
  const http: Headers = expired.length > 0 ? { 'Set-Cookie': expired } : {}
  return {
    https: clearSiteData === '' ? http : { 'Clear-Site-Data': clearSiteData, ...http },
    http,
  }
}
