import { isLoopback } from '../runtime/loopback.js'
/** The origin of the service, and the machine client that requests are sent as. */
export type Credentials = Readonly<{ url: string; clientId: string; clientSecret: string }>

export const credentialNames = ['url', 'clientId', 'clientSecret'] as const

/**
 * Reads the credentials among some options. `report` gets the name of a wrong option, and its
 * fault.
 */
export function readCredentials(
  given: Readonly<Record<string, unknown>>,
  report: (name: string, what: string) => void,
): Credentials {
  const text = (name: string): string => {
    const value = given[name]
    // A lone surrogate has no UTF-8 form, so it cannot be sent.
    if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value
    report(name, value === undefined ? 'is undefined' : 'must be a string that is not empty')
    return ''
  }
  const credentials = {
    url: text('url'),
    clientId: text('clientId'),
    clientSecret: text('clientSecret'),
  }
  if (credentials.url !== '' && !isSafeOrigin(credentials.url))
    report('url', 'must be an origin: https://…, or http:// on a loopback address')
  return credentials
}

/**
 * Whether a secret may be sent to this URL: it has to be an origin without user, path or query,
 * over TLS or on a loopback address.
 */
function isSafeOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { origin, href, protocol, hostname } = new URL(url)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
  return href === `${origin}/` && isSafe
}
