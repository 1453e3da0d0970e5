import type { Permission } from '../access/client.js'
import type { Config } from '../config/config.js'
import { configOfOptions, topLevelOptions } from '../config/options.js'
import type { GuardIssuer } from '../guard/types.js'
import type { TransmitterSignal } from '../signals/transmitters.js'
import type { LogDestination } from '../telemetry/log.js'
import type { BackchannelAllowance } from '../token/logout-token.js'
import { isTexts, optional, readOrThrow, type Option } from '../token/options.js'

/** One entry of the service's `JWT_ISSUERS`. */
export type CierreIssuer = GuardIssuer &
  Readonly<{
    /** Longest life of any token of a session, where it differs from `sessionMaxLifetimeS`. */
    sessionMaxLifetimeS?: number | undefined
    sessionKeys?: string | readonly string[] | undefined
    /** `aud` of the issuer's logout tokens. Without this option logout tokens are refused. */
    backchannelAudience?: string | readonly string[] | undefined
    backchannelTyp?: string | undefined
    /** What logout tokens may lack or have beside what the specification allows. */
    backchannelAllow?: BackchannelAllowance | readonly BackchannelAllowance[] | undefined
    backchannelScope?: 'session' | 'subject' | 'both' | undefined
    /** Where a logout hands the `refreshToken` of its body (RFC 7009). */
    revocationEndpoint?: string | undefined
    /** The client that the refresh tokens are of; a public one without secret and private key. */
    clientId?: string | undefined
    clientSecret?: string | undefined
    /** PEM or JWK. */
    clientPrivateKey?: string | object | undefined
  }>

/** A machine client, as `cierre client` prints it: with a secret, or with keys. */
export type CierreClient = Readonly<{
  id: string
  /** 64 hex digits; an array of two while a secret is changed. */
  secretSha256?: string | readonly string[] | undefined
  /** Public keys: a JWKS or a JWK. */
  jwks?: object | undefined
  /** URL of a key set. */
  jwksUri?: string | undefined
  allow: readonly Permission[]
  audiences?: readonly string[] | undefined
  /** Further claims that introspection tells the client. */
  claims?: readonly string[] | undefined
}>

/** Another system that may end tokens here, by Global Token Revocation. Experimental. */
export type CierreTransmitter = Readonly<{
  /** The exact `iss` of its JWTs. */
  issuer: string
  /** `aud` of its JWTs; the URL of the operation under `publicUrl` unless given. */
  audience?: string | readonly string[] | undefined
  /** PEM, a JWK or a JWKS. One of these three gives its keys. */
  publicKey?: string | object | readonly (string | object)[] | undefined
  jwksUri?: string | undefined
  discovery?: boolean | undefined
  allow: readonly TransmitterSignal[]
  /** The issuers whose tokens it may end; its own unless given. */
  tokenIssuers?: string | readonly string[] | undefined
}>

/** Requests per seconds, such as `300/60`. */
type RateLimit = `${number}/${number}` | 'off'

/** Further paths of the service. They go to the app unless the option names them. */
export const otherPaths = ['health', 'metrics', 'openapi', 'docs'] as const
export type OtherPath = (typeof otherPaths)[number]

/**
 * The settings of the service, as values. `generated/configuration.md` has their meanings and
 * defaults. An option that may be left out may also be `undefined`.
 */
export type CierreOptions = Readonly<{
  /** `JWT_ISSUERS`. A single entry may leave `issuer` out; then `iss` is not checked. */
  issuers: readonly CierreIssuer[]
  redis: Readonly<{
    /**
     * `redis://`, `redis+sentinel://` or `redis+cluster://`, with TLS `rediss`; `memory:` forgets
     * every revocation when the process ends.
     */
    url: string | undefined
    /** User and password at the sentinels; those of the URL are for the nodes. */
    sentinelUser?: string | undefined
    sentinelPassword?: string | undefined
    /** PEM file of the authority that signed Redis's certificate. */
    caFile?: string | undefined
    /** PEM files of a client certificate and its private key. */
    certFile?: string | undefined
    keyFile?: string | undefined
    /** Replicas that must acknowledge a revocation before its 200. */
    minReplicas?: number | undefined
  }>
  clients?: readonly CierreClient[] | undefined
  transmitters?: readonly CierreTransmitter[] | undefined
  /** The origin of the app, as clients see it. */
  publicUrl?: string | undefined
  corsOrigins?: readonly string[] | undefined
  /** Addresses, CIDR ranges, `loopback`, `private`; or the number of proxies in front. */
  trustProxy?: number | readonly string[] | undefined
  storeTimeoutMs?: number | undefined
  upstreamTimeoutMs?: number | undefined
  requireExp?: boolean | undefined
  cutoffClaim?: 'iat' | 'auth_time' | undefined
  senderConstrained?: 'refuse' | 'ignore' | undefined
  maxClockSkewS?: number | undefined
  maxTokenLength?: number | undefined
  /**
   * How old the knowledge of the guard may be. While it is older, the guard refuses with 503, and
   * `/api/v1/auth/verify` asks the store.
   */
  maxStalenessMs?: number | undefined
  authClaims?: readonly string[] | undefined
  sessionMaxLifetimeS?: number | undefined
  expiredEndsSessionS?: number | undefined
  sessionKeys?: readonly string[] | undefined
  sessionRedisUrl?: string | undefined
  /** Each with the attributes it was set with, and without its value: `sid; Path=/; Secure`. */
  sessionCookies?: readonly string[] | undefined
  /**
   * The cookie that has the token: `token; Path=/; HttpOnly; Secure`. Needs `publicUrl` or
   * `corsOrigins`.
   */
  authCookie?: string | undefined
  clearSiteData?: string | undefined
  rateLimitAddress?: RateLimit | undefined
  rateLimitSubject?: RateLimit | undefined
  auditAddress?: 'full' | 'truncate' | 'none' | undefined
  auditMaxEvents?: number | undefined
  auditMaxAgeDays?: number | undefined
  logLevel?: Config['logLevel'] | undefined
  /** Where log and audit lines go; standard output unless given. */
  log?: LogDestination | undefined
  /** Further paths of the service to answer; none unless given. */
  otherPaths?: readonly OtherPath[] | undefined
}>

export type CierreSettings = Readonly<{
  config: Config
  destination: LogDestination | undefined
  otherPaths: readonly OtherPath[]
}>

type Check<T> = Pick<Option<T>, 'check'>

const destination: Check<LogDestination> = {
  check(value, report) {
    if (typeof (value as Partial<LogDestination> | null)?.write === 'function')
      return value as LogDestination
    report('must be an object with the function write')
    return undefined
  },
}

const pathNames: Check<OtherPath[]> = {
  check(value, report) {
    const known: readonly string[] = otherPaths
    if (Array.isArray(value) && value.length === 0) return []
    if (isTexts(value) && value.every((name) => known.includes(name))) return value as OtherPath[]
    report(`must be an array of ${otherPaths.join(', ')}`)
    return undefined
  },
}

/** @throws TypeError with every fault, one line each; it quotes no secret */
export const readCierreOptions = (options: unknown): CierreSettings =>
  readOrThrow(
    options,
    { name: 'options', members: [...topLevelOptions, 'log', 'otherPaths'] },
    (given, faults) => {
      const paths = optional(pathNames, given['otherPaths'], faults.of('otherPaths')) ?? []
      return {
        config: { ...configOfOptions(given, faults), hasDocs: paths.includes('docs') },
        destination: optional(destination, given['log'], faults.of('log')),
        otherPaths: paths,
      }
    },
  )
