import { isDeepStrictEqual } from 'node:util'
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import type { ClientConfig } from '../access/client.js'
import type { Config } from '../config/config.js'
import type { RedisConnection } from '../config/redis.js'
import type { TransmitterConfig } from '../signals/transmitters.js'
import { urlAddress } from '../runtime/url-address.js'
import type { IssuerKeys } from '../token/issuer-key-options.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import { addressOf as hostAndPort } from '../runtime/network-address.js'
import { publicJwkOf } from '../token/jwk.js'
import type { PublicJwk, SecretKey } from '../token/key-material.js'
import type { UpstreamClient } from '../token/upstream-options.js'

/**
 * What a reload may replace, by name, without any secret. Public keys and certificates have the
 * fingerprint of `openssl` (SHA-256 of their DER); shared secrets have 32 bits of one, which tell
 * nothing to guessers that a token of theirs would not tell them.
 */
export type Summary = ReadonlyMap<string, string>

export function summaryOf({
  issuers,
  clients,
  transmitters,
  tls,
  throwawaySecret,
}: Config): Summary {
  const shownIssuers = throwawaySecret === undefined ? issuers : []
  return new Map([
    ...shownIssuers.map((one) => [`issuer ${one.issuer ?? '(any)'}`, issuerText(one)] as const),
    ...clients.map((one) => [`client ${one.id}`, clientText(one)] as const),
    ...transmitters.map((one) => [`transmitter ${one.issuer}`, transmitterText(one)] as const),
    ...(tls === undefined ? [] : [['certificate', certificateText(tls.cert)] as const]),
  ])
}

/** What differs between two configurations of one process, in sentences, without any secret. */
export function changesBetween(before: Config, after: Config): string[] {
  const [earlier, later] = [summaryOf(before), summaryOf(after)]
  return [
    ...[...later].flatMap(([name, text]) => {
      const former = earlier.get(name)
      if (former === undefined) return [`${name} is new: ${text}`]
      return former === text ? [] : [`${name} is now: ${text}; it was: ${former}`]
    }),
    ...[...earlier.keys()].filter((name) => !later.has(name)).map((name) => `${name} is gone`),
    ...redisChange('Redis', before.redis, after.redis),
    ...redisChange('the Redis of the session data', externalOf(before), externalOf(after)),
  ]
}

/** The Redis of session data, where it is another one. */
export const externalOf = ({ redis, sessionRedis }: Config): RedisConnection | undefined =>
  sessionRedis?.url === redis?.url ? undefined : sessionRedis

function redisChange(
  name: string,
  before: RedisConnection | undefined,
  after: RedisConnection | undefined,
): string[] {
  const { sentinelCredentials: former } = before ?? {}
  const { sentinelCredentials: later } = after ?? {}
  if (before?.url === after?.url && isDeepStrictEqual(former, later)) return []
  const isElsewhere = addressOf(before) !== addressOf(after)
  return [
    isElsewhere
      ? `${name} has another address, which needs a restart`
      : `${name} has another user or password, which later connections use`,
  ]
}

/** The address without user and password. */
export function addressOf(connection: RedisConnection | undefined): string | undefined {
  if (connection === undefined) return undefined
  const { isTls, topology, nodes, database } = connection
  const scheme = `${isTls ? 'rediss' : 'redis'}${topology.kind === 'plain' ? '' : `+${topology.kind}`}`
  const path = [
    ...(topology.kind === 'sentinel' ? [topology.primaryName] : []),
    ...(database > 0 ? [database] : []),
  ]
  return [`${scheme}://${nodes.map(hostAndPort).join()}`, ...path].join('/')
}

const issuerText = ({ issuer: _, keys, upstream, template, ...settings }: IssuerConfig): string =>
  [
    ...keyTexts(keys),
    ...settingTexts({ issuerValues: template?.values, ...settings }),
    ...upstreamTexts(upstream),
  ].join(', ')

const keyTexts = ({ secrets, jwks, uri, discovery }: IssuerKeys): string[] => [
  ...secrets.map(secretText),
  ...jwks.map(publicKeyText),
  ...(uri === undefined ? [] : [`key set ${urlAddress(uri)}`]),
  ...(discovery === undefined ? [] : ['key set by discovery']),
]

function upstreamTexts(upstream: UpstreamClient | undefined): string[] {
  if (upstream === undefined) return []
  const { revocationEndpoint, clientId, clientSecret, clientPrivateKey } = upstream
  return [
    `revocationEndpoint ${revocationEndpoint === undefined ? 'by discovery' : urlAddress(revocationEndpoint)}`,
    `clientId ${clientId}`,
    ...(clientSecret === undefined
      ? []
      : [`client ${secretText({ bytes: Buffer.from(clientSecret) })}`]),
    ...(clientPrivateKey === undefined
      ? []
      : [`client ${publicKeyText(publicJwkOf(createPublicKey(clientPrivateKey.key)))}`]),
  ]
}

const clientText = ({ id: _, authentication, ...settings }: ClientConfig): string =>
  [
    ...settingTexts(settings),
    ...('keys' in authentication
      ? [
          ...keyTexts(authentication.keys),
          ...settingTexts({ algorithms: authentication.algorithms }),
        ]
      : authentication.secretHashes.map((hash) => `secret sha256:${hash.toString('hex', 0, 4)}`)),
  ].join(', ')

const transmitterText = ({
  issuer: _,
  keys,
  tokenIssuers,
  ...settings
}: TransmitterConfig): string =>
  [
    ...keyTexts(keys),
    ...settingTexts({ ...settings, tokenIssuers: tokenIssuers.map(({ issuer }) => issuer) }),
  ].join(', ')

const settingTexts = (settings: object): string[] =>
  Object.entries(settings)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`)

const named = (kid: string | undefined) => (kid === undefined ? '' : ` (kid ${kid})`)

const secretText = ({ bytes, kid }: SecretKey): string =>
  `secret sha256:${digest(bytes).slice(0, 8)}${named(kid)}`

function publicKeyText(jwk: PublicJwk): string {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return `${jwk.kty} key sha256:${digest(key.export({ type: 'spki', format: 'der' }))}${named(jwk.kid)}`
}

function certificateText(pem: string): string {
  const { raw, subject, validTo } = new X509Certificate(pem)
  return `${subject.replaceAll('\n', ', ')}, sha256:${digest(raw)}, valid until ${validTo}`
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
