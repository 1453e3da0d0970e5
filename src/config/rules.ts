import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { TransmitterConfig } from '../signals/transmitters.js'
import { standardMapping } from '../token/claim-mapping.js'
import {
  defaultBackchannelScope,
  defaultBackchannelTyp,
  type IssuerConfig,
  type IssuerDefaults,
} from '../token/issuer-options.js'
import type { SecretKey } from '../token/key-material.js'
import type { Faults, Report } from '../token/options.js'
import { hasSecret } from './clients.js'
import { hasIssuerVariables, issuersOf } from './issuers.js'
import type { Given } from './read-variables.js'
import { embeddedStore, type RedisConnection, type RedisFiles, type RedisUrl } from './redis.js'
import { completeTransmitters } from './transmitters.js'
import type { variables } from './variables.js'
import { isLoopback } from '../runtime/loopback.js'

type Settings = Given<typeof variables>

/** `iss` of the tokens that the throwaway key signs. */
export const throwawayIssuerName = 'cierre-development'

type Trust = Readonly<{
  issuers: readonly IssuerConfig[]
  /** Secret of a key that was made for this run only, because none is configured. */
  throwawaySecret: SecretKey | undefined
}>

/** What an issuer has where it has no setting of its own. */
export const issuerDefaultsOf = (values: Settings['values']): IssuerDefaults => ({
  sessionKeys: values.SESSION_KEYS ?? [],
  sessionMaxLifetimeS: values.SESSION_MAX_LIFETIME_S,
  cutoffClaim: values.CUTOFF_CLAIM,
})

/** The issuers whose tokens are accepted: those configured, or in development a throwaway one. */
export function trustOf(given: Settings, faults: Faults): Trust {
  const defaults = issuerDefaultsOf(given.values)
  const issuers = issuersOf(given, defaults, faults)
  if (hasIssuerVariables(given)) return { issuers, throwawaySecret: undefined }
  const { NODE_ENV, HOST } = given.values
  // A throwaway key is for trials on one machine. Elsewhere it would hide a forgotten setting.
  if (NODE_ENV === 'production' || !isLoopback(HOST)) {
    faults.report(
      'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_ISSUERS',
      'must be set: without a key nothing can be verified',
    )
    return { issuers, throwawaySecret: undefined }
  }
  const throwawaySecret = { bytes: randomBytes(32) }
  const issuer: IssuerConfig = {
    issuer: throwawayIssuerName,
    algorithms: ['HS256'],
    keys: { secrets: [throwawaySecret], jwks: [], skipped: [] },
    backchannelTyp: defaultBackchannelTyp,
    backchannelAllow: [],
    backchannelScope: defaultBackchannelScope,
    ...standardMapping,
    ...defaults,
  }
  return { issuers: [issuer], throwawaySecret }
}

type Connections = Readonly<{
  /** Absent: the embedded store. */
  redis: RedisConnection | undefined
  sessionRedis: RedisConnection | undefined
}>

/** Where revocations and session data are. */
export function connectionsOf(
  given: Settings,
  { issuers, throwawaySecret }: Trust,
  faults: Faults,
): Connections {
  const { values, isSet } = given
  const { REDIS_URL: url, SESSION_REDIS_URL: sessionUrl } = values
  const isEmbedded = url === embeddedStore || !isSet('REDIS_URL')
  const shared = { ...redisFilesOf(given, faults), ...sentinelCredentialsOf(given, faults) }
  const redis = url === undefined || url === embeddedStore ? undefined : { ...url, ...shared }
  if (!isSet('REDIS_URL') && throwawaySecret === undefined)
    faults.report(
      'REDIS_URL',
      'must be set; REDIS_URL=memory: accepts revocations that end with the process',
    )
  if (values.REDIS_MIN_REPLICAS > 0 && isEmbedded)
    faults.report('REDIS_MIN_REPLICAS', 'needs a Redis in REDIS_URL')
  const hasSessionKeys =
    values.SESSION_KEYS !== undefined || issuers.some(({ sessionKeys }) => sessionKeys.length > 0)
  if (hasSessionKeys && url === embeddedStore && !isSet('SESSION_REDIS_URL'))
    faults.report('SESSION_KEYS', 'needs a Redis in SESSION_REDIS_URL or REDIS_URL')
  return { redis, sessionRedis: sessionUrl === undefined ? redis : { ...sessionUrl, ...shared } }
}

function redisFilesOf({ values, isSet }: Settings, faults: Faults): RedisFiles {
  const { REDIS_CERT_FILE: certFile, REDIS_KEY_FILE: keyFile } = values
  const report = faults.of('REDIS_CERT_FILE and REDIS_KEY_FILE')
  if (isSet('REDIS_CERT_FILE') !== isSet('REDIS_KEY_FILE')) report('must be set together')
  if (certFile !== undefined && keyFile !== undefined) {
    reportUnfit({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, report)
    if (!urlsOf(values).some(({ isTls }) => isTls)) report('need a rediss:// URL')
  }
  return { caFile: values.REDIS_CA_FILE, certFile, keyFile }
}

const urlsOf = ({ REDIS_URL, SESSION_REDIS_URL }: Settings['values']): RedisUrl[] =>
  [REDIS_URL, SESSION_REDIS_URL].filter((url) => url !== undefined && url !== embeddedStore)

function sentinelCredentialsOf(
  { values, isSet }: Settings,
  faults: Faults,
): Pick<RedisConnection, 'sentinelCredentials'> {
  const { REDIS_SENTINEL_USER: username, REDIS_SENTINEL_PASSWORD: password } = values
  if (username === undefined && password === undefined) return {}
  if (!isSet('REDIS_SENTINEL_PASSWORD'))
    faults.report('REDIS_SENTINEL_USER', 'needs REDIS_SENTINEL_PASSWORD')
  if (!urlsOf(values).some(({ topology }) => topology.kind === 'sentinel'))
    faults.report(
      'REDIS_SENTINEL_PASSWORD',
      'needs a redis+sentinel:// URL in REDIS_URL or SESSION_REDIS_URL',
    )
  return { sentinelCredentials: { ...(username && { username }), ...(password && { password }) } }
}

/** A browser may send the cookie for any page: only `Origin` shows which page asks for a logout. */
export function requireOrigins({ isSet }: Settings, faults: Faults): void {
  if (isSet('AUTH_COOKIE') && !isSet('PUBLIC_URL') && !isSet('CORS_ORIGINS'))
    faults.report('AUTH_COOKIE', 'needs PUBLIC_URL or CORS_ORIGINS, the origins of its pages')
}

/** An assertion of a client is for the service by name. */
export function requirePublicUrl({ values, isSet }: Settings, faults: Faults): void {
  if (values.CLIENTS?.every(hasSecret) === false && !isSet('PUBLIC_URL'))
    faults.report('CLIENTS', 'needs PUBLIC_URL, the aud of assertions, for jwks and jwksUri')
}

/** The systems that may end tokens of these issuers. */
export const transmittersOf = (
  { values }: Settings,
  { issuers }: Pick<Trust, 'issuers'>,
  faults: Faults,
): TransmitterConfig[] =>
  completeTransmitters(
    values.TRANSMITTERS ?? [],
    { issuers, publicUrl: values.PUBLIC_URL },
    faults.of('TRANSMITTERS'),
  )

/** The certificate of the service and its private key; nothing when it serves HTTP. */
export function tlsOf(
  { values, isSet }: Settings,
  faults: Faults,
): Readonly<{ cert: string; key: string }> | undefined {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = values
  const report = faults.of('TLS_CERT_FILE and TLS_KEY_FILE')
  if (isSet('TLS_CERT_FILE') !== isSet('TLS_KEY_FILE')) report('must be set together')
  if (cert === undefined || key === undefined) return undefined
  reportUnfit({ cert, key }, report)
  return { cert, key }
}

function reportUnfit(pair: Pick<SecureContextOptions, 'cert' | 'key'>, report: Report): void {
  try {
    createSecureContext(pair)
  } catch {
    report('must hold a PEM certificate and the private key that belongs to it')
  }
}
