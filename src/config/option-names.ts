import type { VariableName } from './variables.js'

/**
 * Variables that are no options of `createCierre`: those of a process that listens by itself, and
 * those of a single issuer, which is an entry of `issuers` there.
 */
export type ProcessVariable =
  | 'HOST'
  | 'PORT'
  | 'TLS_CERT_FILE'
  | 'TLS_KEY_FILE'
  | 'METRICS_PORT'
  | 'DOCS'
  | 'NODE_ENV'
  | 'JWT_SECRET'
  | 'JWT_PUBLIC_KEY'
  | 'JWT_JWKS_URI'
  | 'JWT_DISCOVERY'
  | 'JWT_ALGORITHMS'
  | 'JWT_ISSUER'
  | 'JWT_AUDIENCE'
  | 'JWT_ISSUER_VALUES'
  | 'JWT_TYP'
  | 'JWT_SESSION_CLAIM'
  | 'JWT_SUBJECT_CLAIM'
  | 'JWT_AUDIENCE_CLAIM'
  | 'JWT_BACKCHANNEL_AUDIENCE'
  | 'JWT_BACKCHANNEL_TYP'
  | 'JWT_BACKCHANNEL_ALLOW'
  | 'JWT_BACKCHANNEL_SCOPE'
  | 'JWT_REVOCATION_ENDPOINT'
  | 'JWT_CLIENT_ID'
  | 'JWT_CLIENT_SECRET'
  | 'JWT_CLIENT_PRIVATE_KEY'

export type OptionVariable = Exclude<VariableName, ProcessVariable>

/**
 * The option of each of the other variables. A variable that is added to the table has to be added
 * here or above.
 */
export const optionNames = {
  PUBLIC_URL: 'publicUrl',
  TRUST_PROXY: 'trustProxy',
  CORS_ORIGINS: 'corsOrigins',
  REDIS_URL: 'redis.url',
  REDIS_SENTINEL_USER: 'redis.sentinelUser',
  REDIS_SENTINEL_PASSWORD: 'redis.sentinelPassword',
  REDIS_CA_FILE: 'redis.caFile',
  REDIS_CERT_FILE: 'redis.certFile',
  REDIS_KEY_FILE: 'redis.keyFile',
  REDIS_MIN_REPLICAS: 'redis.minReplicas',
  STORE_TIMEOUT_MS: 'storeTimeoutMs',
  JWT_ISSUERS: 'issuers',
  JWT_REQUIRE_EXP: 'requireExp',
  CUTOFF_CLAIM: 'cutoffClaim',
  SENDER_CONSTRAINED: 'senderConstrained',
  MAX_CLOCK_SKEW_S: 'maxClockSkewS',
  MAX_TOKEN_LENGTH: 'maxTokenLength',
  MAX_STALENESS_MS: 'maxStalenessMs',
  AUTH_CLAIMS: 'authClaims',
  CLIENTS: 'clients',
  TRANSMITTERS: 'transmitters',
  SESSION_MAX_LIFETIME_S: 'sessionMaxLifetimeS',
  EXPIRED_ENDS_SESSION_S: 'expiredEndsSessionS',
  SESSION_KEYS: 'sessionKeys',
  SESSION_REDIS_URL: 'sessionRedisUrl',
  SESSION_COOKIES: 'sessionCookies',
  AUTH_COOKIE: 'authCookie',
  CLEAR_SITE_DATA: 'clearSiteData',
  UPSTREAM_TIMEOUT_MS: 'upstreamTimeoutMs',
  RATE_LIMIT_ADDRESS: 'rateLimitAddress',
  RATE_LIMIT_SUBJECT: 'rateLimitSubject',
  AUDIT_ADDRESS: 'auditAddress',
  AUDIT_MAX_EVENTS: 'auditMaxEvents',
  AUDIT_MAX_AGE_DAYS: 'auditMaxAgeDays',
  LOG_LEVEL: 'logLevel',
} as const satisfies Record<OptionVariable, string>

export type OptionName = (typeof optionNames)[OptionVariable]

/** The option of a variable, `redis.url` of `REDIS_URL`; `undefined` when it has none. */
export const optionOf = (name: string): string | undefined =>
  (optionNames as Readonly<Record<string, string>>)[name]
