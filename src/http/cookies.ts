import type { ExpiredCookie } from '../config/cookies.js'

type Headers = Record<string, string | string[]>

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
  const expired = cookies.map(({ name, attributes }) =>
    [`${name}=`, ...attributes, 'Max-Age=0', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'].join('; '),
  )
  const http: Headers = expired.length > 0 ? { 'Set-Cookie': expired } : {}
  return {
    https: clearSiteData === '' ? http : { 'Clear-Site-Data': clearSiteData, ...http },
    http,
  }
}
