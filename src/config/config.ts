import { randomBytes } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Client } from '../access/clients.js'
import type { Limit } from '../access/rate-limits.js'
import type { CutoffClaim } from '../revocation/revocations.js'
import { senderConstrainedRules, type SenderConstrained } from '../token/confirmation.js'
import { readClients } from './clients.js'
import {
  checkSessionKeys,
  longestSessionS,
  readIssuers,
  type IssuerConfig,
} from '../token/issuer-options.js'
import { createReader, type Environment, type Reader } from '../token/option-reader.js'
import { readRedis, readSessionRedis, type RedisConnection } from './redis.js'
import { isAddressRange, type AddressDetail } from '../runtime/ip-addresses.js'
import { parseExpiredCookie, type ExpiredCookie } from './cookies.js'

export type Config = Readonly<{
  host: string
  port: number
  publicUrl: string | undefined
  /** Absent: the embedded store. */
  redis: RedisConnection | undefined
  redisMinReplicas: number
  issuers: readonly IssuerConfig[]
  clients: readonly Client[]
  requireExp: boolean
  cutoffClaim: CutoffClaim
  senderConstrained: SenderConstrained
  maxClockSkewMs: number
  sessionRedis: RedisConnection | undefined
  sessionCookies: readonly ExpiredCookie[]
  clearSiteData: string
  rateLimitAddress: Limit | undefined
  rateLimitSubject: Limit | undefined
  trustProxy: readonly string[]
  corsOrigins: readonly string[]
  audit: Readonly<{ address: AddressDetail; maxEvents: number; maxAgeMs: number }>
  storeTimeoutMs: number
  tls: Readonly<{ cert: string; key: string }> | undefined
  logLevel: LogLevel
  /** Whether `/docs` is served. */
  hasDocs: boolean
  metrics: Readonly<{ port: number | undefined; isPublic: boolean }>
  /** Secret of a key that was made for this run only, because none is configured. */
  throwawaySecret: string | undefined
}>

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
type LogLevel = (typeof logLevels)[number]

/** Every variable with its default, for the README's table and for nothing else. */
export const variables: Readonly<Record<string, string>> = {
  HOST: '127.0.0.1',
  PORT: '3000',
  PUBLIC_URL: '',
  REDIS_URL: '',
  REDIS_CA_FILE: '',
  REDIS_MIN_REPLICAS: '0',
  JWT_SECRET: '',
  JWT_PUBLIC_KEY: '',
  JWT_JWKS_URI: '',
  JWT_ALGORITHMS: '',
  JWT_ISSUER: '',
  JWT_AUDIENCE: '',
  JWT_TYP: '',
  JWT_BACKCHANNEL_AUDIENCE: '',
  JWT_BACKCHANNEL_TYP: 'logout+jwt',
  JWT_BACKCHANNEL_SCOPE: 'both',
  JWT_REQUIRE_EXP: 'false',
  CUTOFF_CLAIM: 'iat',
  SENDER_CONSTRAINED: 'refuse',
  JWT_ISSUERS: '',
  CLIENTS: '',
  MAX_CLOCK_SKEW_S: '60',
  SESSION_MAX_LIFETIME_S: '2592000',
  SESSION_KEYS: '',
  SESSION_REDIS_URL: '',
  SESSION_COOKIES: '',
  CLEAR_SITE_DATA: '"storage"',
  RATE_LIMIT_ADDRESS: '300/60',
  RATE_LIMIT_SUBJECT: '30/60',
  TRUST_PROXY: '',
  CORS_ORIGINS: '',
  AUDIT_ADDRESS: 'truncate',
  AUDIT_MAX_EVENTS: '1000000',
  AUDIT_MAX_AGE_DAYS: '90',
  STORE_TIMEOUT_MS: '1000',
  TLS_CERT_FILE: '',
  TLS_KEY_FILE: '',
  LOG_LEVEL: 'info',
  DOCS: 'on',
  METRICS_PORT: '',
  NODE_ENV: '',
}

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'))
  }
}

/** @throws ConfigError with every fault at once */
export function parseConfig(env: Environment): Config {
  const reader = createReader(env)
  const host = reader.text('HOST') ?? '127.0.0.1'
  const session = readSessions(reader)
  const issuers = readIssuers(reader, session.defaults)
  const throwawaySecret =
    issuers.length > 0 || reader.faults.some((fault) => fault.startsWith('JWT_'))
      ? undefined
      : readThrowaway(reader, host)
  const redis = readRedis(reader, throwawaySecret !== undefined)
  const sessionRedis = readSessionRedis(reader, redis, issuers)
  const config: Config = {
    host,
    port: reader.integer('PORT', 3000, 0, 65535),
    publicUrl: readOrigin(reader, 'PUBLIC_URL'),
    redis,
    redisMinReplicas: reader.integer('REDIS_MIN_REPLICAS', 0, 0, 100),
    issuers:
      throwawaySecret === undefined
        ? issuers
        : [throwawayIssuer(throwawaySecret, session.defaults)],
    clients: readClients(reader),
    requireExp: reader.oneOf('JWT_REQUIRE_EXP', 'false', ['true', 'false']) === 'true',
    cutoffClaim: reader.oneOf<CutoffClaim>('CUTOFF_CLAIM', 'iat', ['iat', 'auth_time']),
    senderConstrained: reader.oneOf<SenderConstrained>(
      'SENDER_CONSTRAINED',
      'refuse',
      senderConstrainedRules,
    ),
    maxClockSkewMs: reader.integer('MAX_CLOCK_SKEW_S', 60, 0, 3600) * 1000,
    sessionRedis,
    sessionCookies: session.cookies,
    clearSiteData: readClearSiteData(reader, env),
    rateLimitAddress: readLimit(reader, 'RATE_LIMIT_ADDRESS', { requests: 300, windowS: 60 }),
    rateLimitSubject: readLimit(reader, 'RATE_LIMIT_SUBJECT', { requests: 30, windowS: 60 }),
    trustProxy: readTrustProxy(reader),
    corsOrigins: readCorsOrigins(reader),
    audit: {
      address: reader.oneOf<AddressDetail>('AUDIT_ADDRESS', 'truncate', [
        'full',
        'truncate',
        'none',
      ]),
      maxEvents: reader.integer('AUDIT_MAX_EVENTS', 1_000_000, 1, 1_000_000_000),
      maxAgeMs: reader.integer('AUDIT_MAX_AGE_DAYS', 90, 1, 36_500) * 86_400_000,
    },
    storeTimeoutMs: reader.integer('STORE_TIMEOUT_MS', 1000, 10, 60_000),
    tls: readTls(reader),
    logLevel: reader.oneOf('LOG_LEVEL', 'info', logLevels),
    hasDocs: reader.oneOf('DOCS', 'on', ['on', 'off']) === 'on',
    metrics: readMetrics(reader),
    throwawaySecret,
  }
  if (config.redisMinReplicas > 0 && redis === undefined)
    reader.fault('REDIS_MIN_REPLICAS', 'needs a Redis in REDIS_URL')
  if (reader.faults.length > 0) throw new ConfigError([...new Set(reader.faults)])
  return Object.freeze(config)
}

function readMetrics(reader: Reader) {
  const port =
    reader.text('METRICS_PORT') === undefined
      ? undefined
      : reader.integer('METRICS_PORT', 0, 0, 65535)
  return { port, isPublic: port === undefined && reader.text('NODE_ENV') !== 'production' }
}

function readSessions(reader: Reader) {
  const sessionKeys = reader.list('SESSION_KEYS')
  checkSessionKeys(reader, 'SESSION_KEYS', sessionKeys)
  const cookies = reader
    .list('SESSION_COOKIES')
    .flatMap((text) => reader.attempt('SESSION_COOKIES', () => parseExpiredCookie(text)) ?? [])
  const sessionMaxLifetimeS = reader.integer(
    'SESSION_MAX_LIFETIME_S',
    2_592_000,
    1,
    longestSessionS,
  )
  return { cookies, defaults: { sessionKeys, sessionMaxLifetimeS } }
}

// A key made up on the fly would be a trap anywhere but on a developer's own machine.
function readThrowaway(reader: Reader, host: string): string | undefined {
  const isDevelopment = reader.text('NODE_ENV') !== 'production' && isLoopback(host)
  if (isDevelopment) return randomBytes(32).toString('base64url')
  reader.fault(
    'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_ISSUERS',
    'must be set: without a key nothing can be verified',
  )
  return undefined
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** `iss` of the tokens that the throwaway key signs. */
export const throwawayIssuerName = 'cierre-development'

const throwawayIssuer = (
  secret: string,
  defaults: { sessionMaxLifetimeS: number; sessionKeys: string[] },
): IssuerConfig => ({
  issuer: throwawayIssuerName,
  algorithms: ['HS256'],
  key: { kind: 'secret', secret },
  backchannelScope: 'both',
  ...defaults,
})

function readOrigin(reader: Reader, name: string): string | undefined {
  const given = reader.text(name)
  if (given === undefined || isOrigin(given)) return given
  reader.fault(name, 'must be an origin such as https://auth.example.com, without a path')
  return undefined
}

const isOrigin = (text: string) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text

function readCorsOrigins(reader: Reader): string[] {
  const origins = reader.list('CORS_ORIGINS')
  const wrong = origins.filter((origin) => !isOrigin(origin))
  if (wrong.length > 0)
    reader.fault(
      'CORS_ORIGINS',
      `has ${wrong.join(', ')}; only exact origins such as https://app.example.com are taken`,
    )
  return origins
}

function readTrustProxy(reader: Reader): string[] {
  const ranges = reader.list('TRUST_PROXY')
  const wrong = ranges.filter((range) => !isAddressRange(range))
  if (wrong.length > 0)
    reader.fault('TRUST_PROXY', `has ${wrong.join(', ')}; only addresses and CIDR ranges are taken`)
  return wrong.length > 0 ? [] : ranges
}

function readLimit(reader: Reader, name: string, fallback: Limit): Limit | undefined {
  const given = reader.text(name)
  if (given === undefined) return fallback
  if (given === 'off') return undefined
  const [, requests, windowS] = /^([1-9]\d{0,6})\/([1-9]\d{0,4})$/.exec(given) ?? []
  if (requests !== undefined && windowS !== undefined)
    return { requests: Number(requests), windowS: Number(windowS) }
  reader.fault(name, 'must be requests per seconds, such as 300/60, or off')
  return fallback
}

// Unlike elsewhere an empty value means something here: no header.
function readClearSiteData(reader: Reader, env: Environment): string {
  const given = env['CLEAR_SITE_DATA'] ?? '"storage"'
  if (
    given === '' ||
    /^"(?:cache|cookies|storage|clientHints|executionContexts|\*)"(?:, ?"(?:cache|cookies|storage|clientHints|executionContexts|\*)")*$/.test(
      given,
    )
  )
    return given
  reader.fault('CLEAR_SITE_DATA', 'must be quoted directives such as "storage", or empty')
  return ''
}

function readTls(reader: Reader): { cert: string; key: string } | undefined {
  const cert = reader.file('TLS_CERT_FILE')
  const key = reader.file('TLS_KEY_FILE')
  if (
    (reader.text('TLS_CERT_FILE') === undefined) !==
    (reader.text('TLS_KEY_FILE') === undefined)
  ) {
    reader.fault('TLS_CERT_FILE and TLS_KEY_FILE', 'must be set together')
  }
  if (cert === undefined || key === undefined) return undefined
  try {
    createSecureContext({ cert, key })
  } catch {
    reader.fault(
      'TLS_CERT_FILE and TLS_KEY_FILE',
      'must hold a PEM certificate and the private key that belongs to it',
    )
  }
  return { cert, key }
}
