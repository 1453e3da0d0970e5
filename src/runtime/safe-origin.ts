import { isLoopback } from './loopback.js'
import { mayBePrivate } from './private-networks.js'
/**
 * Whether a secret may be sent to this URL: it has to be an origin without user, path or query,
 * over TLS or on a loopback address.
 */
export const isSafeOrigin = (url: string): boolean => isOrigin(url, isLoopback)

/** The same, or an origin that may be in a private network, where others can read the secret. */
export const isPrivateOrigin = (url: string): boolean =>
  isSafeOrigin(url) || isOrigin(url, mayBePrivate)

function isOrigin(url: string, mayBeClear: (hostname: string) => boolean): boolean {
  if (!URL.canParse(url)) return false
  const { origin, href, protocol, hostname } = new URL(url)
  return (
    href === `${origin}/` &&
    (protocol === 'https:' || (protocol === 'http:' && mayBeClear(hostname)))
  )
}

/** What an origin must be that a secret is sent to. */
export const originRule = (isInsecure: boolean): string =>
  isInsecure
    ? 'must be an origin: https://…, or http:// in a private network'
    : 'must be an origin: https://…, or http:// on a loopback address'
