import { fetchJson, FetchError, reasonOf } from './fetch-json.js'
import type { KeySourceLog } from './key-source-log.js'
import { isEndpoint } from './upstream-options.js'

/** What an issuer says of itself (RFC 8414 §2, OpenID Connect Discovery 1.0 §3). */
export type IssuerMetadata = Readonly<{ jwksUri: string; revocationEndpoint?: string }>

/** The metadata of one issuer. */
export type Discovery = Readonly<{
  issuer: string
  /**
   * The URL of the key set. The metadata is fetched, unless it was within the last 300 s; if that
   * fails, the metadata from before counts.
   *
   * @throws FetchError when there is none; what `fetch` throws
   */
  keySetUri(closing: AbortSignal): Promise<string>
  /** The metadata that was fetched last; nothing before the first success. */
  metadata(): IssuerMetadata | undefined
}>

const refreshEveryMs = 300_000

export function createDiscovery({
  issuer,
  now,
  log,
}: Readonly<{ issuer: string; now: () => number; log: Pick<KeySourceLog, 'warn'> }>): Discovery {
  let fetched: Readonly<{ metadata: IssuerMetadata; atMs: number }> | undefined
  const isFresh = (atMs: number) => now() >= atMs && now() - atMs < refreshEveryMs
  return {
    issuer,
    metadata: () => fetched?.metadata,
    async keySetUri(closing) {
      if (fetched !== undefined && isFresh(fetched.atMs)) return fetched.metadata.jwksUri
      const atMs = now()
      try {
        fetched = { metadata: await fetchMetadata(issuer, closing), atMs }
      } catch (cause) {
        if (fetched === undefined) throw cause
        if (!closing.aborted)
          log.warn({ issuer, reason: reasonOf(cause) }, 'issuer metadata not loaded')
      }
      return fetched.metadata.jwksUri
    },
  }
}

/** Where the metadata may be: OpenID Connect Discovery 1.0 §4.1, then RFC 8414 §3.1. */
function metadataUris(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

async function fetchMetadata(issuer: string, closing: AbortSignal): Promise<IssuerMetadata> {
  const [first, second] = metadataUris(issuer)
  const fetchFrom = (uri: string) => fetchJson(uri, { accept: 'application/json', closing })
  const document = await fetchFrom(first).catch((cause: unknown) => {
    // Without an answer from this host there is none at the other path.
    if (!(cause instanceof FetchError)) throw cause
    return fetchFrom(second).catch((error: unknown) => {
      if (!(error instanceof FetchError)) throw error
      throw new FetchError(`metadata of the issuer: ${first} ${cause.message}`)
    })
  })
  return readMetadata(document, issuer)
}

/** @throws FetchError for metadata of another issuer (RFC 8414 §3.3), or without a key set */
export function readMetadata(document: unknown, issuer: string): IssuerMetadata {
  const members = (document ?? {}) as Readonly<Record<string, unknown>>
  if (members['issuer'] !== issuer)
    throw new FetchError('metadata of the issuer: its issuer is not exactly the configured one')
  const endpoint = (name: string) => {
    const uri = members[name]
    return typeof uri === 'string' && isEndpointOf(issuer, uri) ? uri : undefined
  }
  const [jwksUri, revokesAt] = [endpoint('jwks_uri'), endpoint('revocation_endpoint')]
  // Refresh tokens go there, so it keeps the rule of an endpoint that is configured.
  const revocationEndpoint =
    revokesAt !== undefined && isEndpoint(revokesAt) ? revokesAt : undefined
  if (jwksUri === undefined) throw new FetchError('metadata of the issuer: has no usable jwks_uri')
  return { jwksUri, ...(revocationEndpoint !== undefined && { revocationEndpoint }) }
}

/** Whether a text is a URL without user and password; over TLS if the issuer is. */
function isEndpointOf(issuer: string, uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, username, password } = new URL(uri)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && issuer.startsWith('http:'))
  return isSafe && username === '' && password === ''
}
