import type { ClientConfig } from '../access/client.js'
import type { Limit } from '../access/rate-limits.js'
import type { AddressDetail, TrustedProxies } from '../runtime/ip-addresses.js'
import type { TransmitterConfig } from '../signals/transmitters.js'
import type { SenderConstrained } from '../token/confirmation.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import type { SecretKey } from '../token/key-material.js'
import { createFaults } from '../token/options.js'
import type { ExpiredCookie } from './cookies.js'
import { readVariables, type Environment } from './read-variables.js'
import type { RedisConnection } from './redis.js'
import {
  connectionsOf,
  requireOrigins,
  requirePublicUrl,
  tlsOf,
  transmittersOf,
  trustOf,
} from './rules.js'
import { variables, type Values } from './variables.js'

/** What the environment says, parsed once and frozen. */
export type Config = Readonly<{
  host: string
  port: number
  publicUrl: string | undefined
  /** Absent: the embedded store. */
  redis: RedisConnection | undefined
  redisMinReplicas: number
  issuers: readonly IssuerConfig[]
  clients: readonly ClientConfig[]
  transmitters: readonly TransmitterConfig[]
  requireExp: boolean
  senderConstrained: SenderConstrained
  maxClockSkewMs: number
  maxTokenLength: number
  sessionRedis: RedisConnection | undefined
  /** For how long after its `exp` a token ends its session. */
  expiredEndsSessionMs: number
  sessionCookies: readonly ExpiredCookie[]
  /** Absent: logout takes no token from a cookie. */
  authCookie: ExpiredCookie | undefined
  clearSiteData: string
  /** Absent: no limit. */
  rateLimitAddress: Limit | undefined
  rateLimitSubject: Limit | undefined
  trustProxy: TrustedProxies
  corsOrigins: readonly string[]
  audit: Readonly<{ address: AddressDetail; maxEvents: number; maxAgeMs: number }>
  storeTimeoutMs: number
  /** Deadline of the revocation of a refresh token at its issuer. */
  upstreamTimeoutMs: number
  maxStalenessMs: number
  /** The claims in `X-Auth-Claims`. */
  authClaims: readonly string[]
  tls: Readonly<{ cert: string; key: string }> | undefined
  logLevel: Values['LOG_LEVEL']
  /** Whether `/docs` is served. */
  hasDocs: boolean
  metrics: Readonly<{ port: number | undefined; isPublic: boolean }>
  isProduction: boolean
  /** Secret of a key that was made for this run only, because none is configured. */
  throwawaySecret: SecretKey | undefined
}>

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'))
  }
}

/**
 * Parses the environment: each variable by its row of the table, then by the rules for several
 * variables.
 *
 * @throws ConfigError with every fault at once
 */
export function parseConfig(env: Environment): Config {
  const faults = createFaults()
  const given = readVariables(variables, env, faults)
  const trust = trustOf(given, faults)
  requireOrigins(given, faults)
  requirePublicUrl(given, faults)
  const config: Config = {
    ...settingsOf(given.values),
    ...trust,
    transmitters: transmittersOf(given, trust, faults),
    ...connectionsOf(given, trust, faults),
    tls: tlsOf(given, faults),
  }
  if (faults.lines().length > 0) throw new ConfigError(faults.lines())
  return Object.freeze(config)
}

/** The settings that cannot conflict with each other. */
export function settingsOf(values: Values) {
  const metricsPort = values.METRICS_PORT
  const isProduction = values.NODE_ENV === 'production'
  return {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL,
    redisMinReplicas: values.REDIS_MIN_REPLICAS,
    clients: values.CLIENTS ?? [],
    requireExp: values.JWT_REQUIRE_EXP,
    senderConstrained: values.SENDER_CONSTRAINED,
    maxClockSkewMs: values.MAX_CLOCK_SKEW_S * 1000,
    maxTokenLength: values.MAX_TOKEN_LENGTH,
    expiredEndsSessionMs: values.EXPIRED_ENDS_SESSION_S * 1000,
    sessionCookies: values.SESSION_COOKIES ?? [],
    authCookie: values.AUTH_COOKIE,
    clearSiteData: values.CLEAR_SITE_DATA,
    rateLimitAddress: limitOf(values.RATE_LIMIT_ADDRESS),
    rateLimitSubject: limitOf(values.RATE_LIMIT_SUBJECT),
    trustProxy: values.TRUST_PROXY ?? [],
    corsOrigins: values.CORS_ORIGINS ?? [],
    audit: {
      address: values.AUDIT_ADDRESS,
      maxEvents: values.AUDIT_MAX_EVENTS,
      maxAgeMs: values.AUDIT_MAX_AGE_DAYS * 86_400_000,
    },
    storeTimeoutMs: values.STORE_TIMEOUT_MS,
    upstreamTimeoutMs: values.UPSTREAM_TIMEOUT_MS,
    maxStalenessMs: values.MAX_STALENESS_MS,
    authClaims: values.AUTH_CLAIMS ?? [],
    logLevel: values.LOG_LEVEL,
    hasDocs: values.DOCS === 'on',
    metrics: {
      port: metricsPort,
      isPublic: metricsPort === undefined && !isProduction,
    },
    isProduction,
  }
}

const limitOf = (limit: Limit | 'off') => (limit === 'off' ? undefined : limit)
