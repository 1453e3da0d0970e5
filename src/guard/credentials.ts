import { isLoopback } from '../runtime/loopback.js'
import { mayBePrivate } from '../runtime/private-networks.js'
import { oneOf, optional } from '../token/options.js'

/** The origin of the service, and the machine client that requests are sent as. */
export type Credentials = Readonly<{ url: string; clientId: string; clientSecret: string }>

export const credentialNames = ['url', 'clientId', 'clientSecret', 'insecure'] as const

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
  const insecure = optional(oneOf([true, false]), given['insecure'], (what) =>
    report('insecure', what),
  )
  const isTaken = insecure === true ? isPrivateOrigin : isSafeOrigin
  if (credentials.url !== '' && !isTaken(credentials.url))
    report(
      'url',
      insecure === true
        ? 'must be an origin: https://…, or http:// in a private network'
        : 'must be an origin: https://…, or http:// on a loopback address',
    )
  return credentials
}

/**
 * Warns of a secret that is sent in clear: of a URL that is taken for the sake of `insecure` alone.
 *
 * @param name what the URL is called
 */
export function warnOfClearText(name: string, { url }: Credentials): void {
  if (isSafeOrigin(url)) return
  process.emitWarning(
    `${name} is ${url}: anyone in that network can read its secret, and forge its answers`,
    { code: 'CIERRE_INSECURE' },
  )
}

/**
 * Whether a secret may be sent to this URL: it has to be an origin without user, path or query,
 * over TLS or on a loopback address.
 */
const isSafeOrigin = (url: string): boolean => isOrigin(url, isLoopback)

const isPrivateOrigin = (url: string): boolean => isSafeOrigin(url) || isOrigin(url, mayBePrivate)

function isOrigin(url: string, mayBeClear: (hostname: string) => boolean): boolean {
  if (!URL.canParse(url)) return false
  const { origin, href, protocol, hostname } = new URL(url)
  return (
    href === `${origin}/` &&
    (protocol === 'https:' || (protocol === 'http:' && mayBeClear(hostname)))
  )
}
