const cookieName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const attributes =
  /^(?:path=\/[\x21-\x2b\x2d-\x3a\x3c-\x7e]*|domain=[A-Za-z0-9.-]+|secure|httponly|partitioned|samesite=(?:strict|lax|none))$/i

/**
 * A cookie to expire. The attributes that it was set with are part of its identity (RFC 6265 §5.3).
 */
export type ExpiredCookie = Readonly<{ name: string; attributes: readonly string[] }>

/** @throws Error whose message tells the operator what is wrong */
export function parseExpiredCookie(text: string): ExpiredCookie {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim())
  if (!cookieName.test(name))
    throw new Error(`"${text.trim()}" does not start with a cookie's name`)
  const wrong = rest.find((attribute) => !attributes.test(attribute))
  if (wrong !== undefined) throw new Error(`"${wrong}" is no attribute of a cookie to expire`)
  const has = (attribute: string) => rest.some((one) => one.toLowerCase().startsWith(attribute))
  if (name.startsWith('__Secure-') && !has('secure')) throw new Error(`"${name}" needs Secure`)
  if (
    name.startsWith('__Host-') &&
    !(has('secure') && rest.some((one) => /^path=\/$/i.test(one)) && !has('domain'))
  ) {
    throw new Error(`"${name}" needs Secure and Path=/ and no Domain`)
  }
  return { name, attributes: rest }
}
