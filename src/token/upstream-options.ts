import { mayBePrivate } from '../runtime/private-networks.js'
import { isLoopback } from '../runtime/loopback.js'
import { textThat } from './options.js'
import type { SigningKey } from './private-key.js'

/** How an issuer is asked to revoke a refresh token: as which client, at which endpoint. */
export type UpstreamClient = Readonly<{
  /** RFC 7009 §2. Absent: that of the metadata of the issuer. */
  revocationEndpoint?: string
  clientId: string
  /** Absent: a public client, which has nothing but its id. */
  clientSecret?: string
  clientPrivateKey?: SigningKey
}>

/** The settings of an issuer that make its `UpstreamClient`. */
export const upstreamMembers = [
  'revocationEndpoint',
  'clientId',
  'clientSecret',
  'clientPrivateKey',
] as const
export type UpstreamMember = (typeof upstreamMembers)[number]

/** The URL of an endpoint that gets tokens. In a network that is private it may be `http:`. */
export const endpoint = textThat(
  isEndpoint,
  'must be an https URL without user, password and fragment; http only in a private network',
)

export function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hash, hostname } = new URL(text)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isInOwnNetwork(hostname))
  return isSafe && username === '' && password === '' && hash === ''
}

/** Names without a dot, such as those of containers, and names that no public DNS has. */
const privateName = /^[^.]+$|\.(?:local|internal|svc)$/

const isInOwnNetwork = (hostname: string): boolean =>
  isLoopback(hostname) ||
  (mayBePrivate(hostname) && (isAddress(hostname) || privateName.test(hostname)))

const isAddress = (hostname: string) => /^\[|^[\d.]+$/.test(hostname)

type Given = { readonly [Member in keyof UpstreamClient]?: UpstreamClient[Member] | undefined }

/**
 * The client of the settings; nothing where none of them is given, or where they do not go together.
 *
 * @param of `issuer`: the exact `iss`, which assertions of a private key are for; `hasDiscovery`:
 * whether its metadata is fetched, which has the endpoint if none is given
 */
export function upstreamClient(
  given: Given,
  { issuer, hasDiscovery }: Readonly<{ issuer: string | undefined; hasDiscovery: boolean }>,
  report: (member: UpstreamMember, what: string) => void,
): UpstreamClient | undefined {
  const { revocationEndpoint, clientId, clientSecret, clientPrivateKey } = given
  const first = upstreamMembers.find((member) => given[member] !== undefined)
  if (first === undefined) return undefined
  if (revocationEndpoint === undefined && !hasDiscovery)
    report(first, 'needs a revocation endpoint, or discovery, which finds it')
  if (clientId === undefined) report(first, 'needs a client id')
  if (clientSecret !== undefined && clientPrivateKey !== undefined)
    report('clientPrivateKey', 'stands instead of a client secret, not beside')
  if (clientPrivateKey !== undefined && issuer === undefined)
    report('clientPrivateKey', 'needs an issuer, which its assertions are for')
  if (clientId === undefined) return undefined
  return {
    clientId,
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(clientPrivateKey !== undefined && { clientPrivateKey }),
  }
}
