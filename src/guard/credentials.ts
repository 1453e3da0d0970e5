/** Where the service is, and as which machine client to ask it. */
export type Credentials = Readonly<{ url: string; clientId: string; clientSecret: string }>

/** Takes what is wrong with an option. */
export type Fault = (name: string, what: string) => void

export const credentialNames = ['url', 'clientId', 'clientSecret'] as const

/** Credentials among options, with a fault for each that cannot be one; `prefix` stands before their names. */
export function readCredentials(
  fault: Fault,
  prefix: string,
  given: Readonly<Record<string, unknown>>,
): Credentials {
  const text = (name: string): string => {
    const value = given[name]
    // A lone surrogate has no UTF-8 form, so it cannot be sent.
    if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value
    fault(
      `${prefix}${name}`,
      value === undefined ? 'is undefined' : 'must be a string that is not empty',
    )
    return ''
  }
  const credentials = {
    url: text('url'),
    clientId: text('clientId'),
    clientSecret: text('clientSecret'),
  }
  if (credentials.url !== '' && !isSafeOrigin(credentials.url))
    fault(`${prefix}url`, 'must be an origin: https://…, or http:// on a loopback address')
  return credentials
}

/** Whether a secret may be sent there: an origin without user, path or query, over TLS or within this machine. */
function isSafeOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { origin, href, protocol, hostname } = new URL(url)
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return href === `${origin}/` && (protocol === 'https:' || (protocol === 'http:' && isLoopback))
}

/** An object of options; what is none, or has a member of another name, is a fault. */
export function readOptionsObject(
  fault: Fault,
  name: string,
  value: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fault(name, value === undefined ? 'is undefined' : 'must be an object')
    return undefined
  }
  const unknown = Object.keys(value).filter((member) => !known.includes(member))
  if (unknown.length > 0) fault(name, `has members that are not known: ${unknown.join(', ')}`)
  return value as Record<string, unknown>
}
