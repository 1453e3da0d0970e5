import type { Clock } from '../runtime/clock.js'
import type { SenderConstrained } from '../token/confirmation.js'
import type { Claims } from '../token/verification.js'
import type { OnUnknown } from './fallback.js'
import type { MetricsRegister } from './guard-metrics.js'
import type { GuardStats } from './stats.js'
import type { EndOfWatch, OnStale, Watch } from './watch-index.js'

/** The service whose feed the guard follows, and a machine client with the permission `feed`. */
export type FeedOptions = Readonly<{
  /** The service's origin; `https:`, or `http:` on a loopback address. */
  url: string
  clientId: string
  /**
   * Needed unless there is a private key. `undefined`, as an environment variable that is not set, is
   * refused when the guard is made.
   */
  clientSecret?: string | undefined
  /** PEM or JWK: the client then authenticates by `private_key_jwt` (RFC 7523). */
  clientPrivateKey?: string | object | undefined
  /** `PUBLIC_URL` of the service, where it is not `url`: what its assertions are for. */
  audience?: string | undefined
  /**
   * Whether `url` may be `http:` in a private network. A warning says that the secret is sent in
   * clear, and that revocations could be held back there.
   */
  insecure?: boolean | undefined
}>

/**
 * One entry of the service's `JWT_ISSUERS`, without the members that only the service uses. An
 * entry has at least one of `secret`, `publicKey`, `jwksUri` and `discovery`; `undefined`, as an environment
 * variable that is not set, counts as absent. Several keys verify side by side, each with the
 * algorithms of its own family alone.
 */
export type GuardIssuer = Readonly<{
  /**
   * Exact `iss`, or one with a `{claim}`: `https://login.example/{tid}/v2.0` stands for every `iss`
   * with the token's claim `tid` in that place. A single entry may leave `issuer` out, as the service
   * may leave `JWT_ISSUER` out: then `iss` is not checked, and a token needs none.
   */
  issuer?: string | undefined
  /** The values that `{claim}` may have; any, unless given. */
  issuerValues?: string | readonly string[] | undefined
  audience?: string | readonly string[] | undefined
  algorithms?: string | readonly string[] | undefined
  /**
   * HMAC secrets, each at least as long as the hash output: texts, or JWKs of the type `oct` for
   * any bytes
   */
  secret?: string | object | readonly (string | object)[] | undefined
  /** PEM (public keys or certificates, one or several), JWK or JWKS */
  publicKey?: string | object | readonly (string | object)[] | undefined
  jwksUri?: string | undefined
  /** Whether the key set is found by the metadata of the issuer, whose `issuer` must be equal. */
  discovery?: boolean | undefined
  typ?: string | undefined
  /** Claim that names the session, `sid` unless given; of several the first that is there. */
  sessionClaim?: string | readonly string[] | undefined
  /** Claim that names the subject, `sub` unless given. */
  subjectClaim?: string | undefined
  /** Claim that stands for `aud` in a token without it; of several the first that is there. */
  audienceClaim?: string | readonly string[] | undefined
  /** Where it differs from the `cutoffClaim` of all issuers. */
  cutoffClaim?: 'iat' | 'auth_time' | undefined
}>

/**
 * An option that may be left out may also be `undefined`. Names and types are checked when the
 * guard is made.
 */
export type GuardOptions = Readonly<{
  /** The issuers whose tokens are accepted. */
  issuers: readonly GuardIssuer[]
  feed: FeedOptions
  /** How old the knowledge of the guard may be, in milliseconds; 5000 unless given. */
  maxStalenessMs?: number | undefined
  /**
   * Decides about a valid token while the guard is not fresh. By default the guard answers such a
   * token with a 503.
   */
  onUnknown?: OnUnknown | undefined
  /**
   * These need the values of the service's `JWT_REQUIRE_EXP`, `CUTOFF_CLAIM`, `MAX_CLOCK_SKEW_S` and
   * `MAX_TOKEN_LENGTH`.
   */
  requireExp?: boolean | undefined
  cutoffClaim?: 'iat' | 'auth_time' | undefined
  maxClockSkewS?: number | undefined
  maxTokenLength?: number | undefined
  /**
   * What happens to a token with `cnf` (RFC 9449, RFC 8705): the guard does not check the proof of
   * such a token. `refuse` (401) is the default. `ignore` is for an API that checks the proof
   * itself; then the scheme `DPoP` is accepted, too.
   */
  senderConstrained?: SenderConstrained | undefined
  /**
   * About how many verified tokens are remembered; 32768 unless given. They are fewer where tokens
   * have more than 1,024 characters on average.
   */
  maxRemembered?: number | undefined
  /** For tests that move time. */
  clock?: Clock | undefined
}>

/** The options that say how tokens are checked, and not where revocations come from. */
export type CheckOptions = Omit<GuardOptions, 'feed' | 'maxStalenessMs'>

/** The header, or every line of it; `undefined` or `null` when there is none. */
export type Authorization = string | readonly string[] | null | undefined

/**
 * A login, as the claims of its tokens name it; with `sub`, `sid` or both. An `iss` of the guard's
 * issuers is needed. Where the guard's single entry has no `issuer`, it is that of the tokens, or
 * `null` where they have none.
 */
export type Login = Readonly<{
  iss?: string | null | undefined
  sub?: string | number | undefined
  sid?: string | number | undefined
  /** When the token at hand was issued, in seconds since 1970 (RFC 7519 §4.1.6). */
  iat?: number | undefined
  /** When the user logged in, likewise (OpenID Connect Core §2). */
  authTime?: number | undefined
}>

/** A token without a scheme, as a cookie has it; `undefined` or `null` when there is none. */
export type BareToken = Readonly<{ token: string | null | undefined }>

/**
 * `warning`: most often a request to the feed or for a key set failed; the guard repeats the
 * request.
 */
export type GuardEvents = { fresh: []; stale: []; warning: [Error] }

export type Guard = {
  /**
   * Returns when the guard is fresh and every key set of a `jwksUri` is loaded. Until then the
   * guard refuses each token that `onUnknown` does not let pass, and each token whose key is
   * missing.
   *
   * @param withinMs deadline in milliseconds, exact. Without it the deadline grows with the snapshot:
   * 10000 after the call or after its last bytes, and at most 600000
   * @throws Error that says whether the feed or a key set is missing, and why. It is thrown at once
   * when the service refuses the client, and when another program answers at the feed's address. A
   * connection that fails, a 429 and a 5xx are repeated until the deadline.
   */
  ready(withinMs?: number): Promise<void>
  /**
   * Checks an `Authorization` header: verified, not expired, not revoked. The claims are frozen,
   * and every request with the same token gets the same object. `T` names the claims that the
   * issuer adds; the guard does not check their types.
   *
   * @param presented the header, or every line of it (two lines are refused); or `{ token }`, which
   * is checked as the header `Bearer <token>` is
   * @throws GuardError 401, or 503 when the guard is not fresh
   */
  check<T extends object = object>(presented: Authorization | BareToken): Promise<Claims<T>>
  /**
   * Whether a login has ended, for an issuer's own route that renews tokens: `check` would refuse a
   * token with these claims. Its session may have been revoked, or all tokens of the subject that
   * were issued until a cutoff. The cutoff is compared with `iat`; where the guard's `cutoffClaim` is
   * `auth_time`, with `authTime` if it is there. Without these any cutoff ends the login.
   *
   * @throws GuardError 503 when the guard is not fresh and knows no revocation of the login.
   * `onUnknown` is not called: there is no token to ask about.
   * @throws TypeError that says everything that is wrong with the login: a wrong type, an issuer
   * that the guard does not know, a time that lies ahead by more than `maxClockSkewS`
   */
  isRevoked(login: Login): Promise<boolean>
  /**
   * Calls back once: when a token is revoked, when it has expired or, with `onStale: 'close'`, when
   * the guard is stale or closed and receives no revocation. A guard that becomes stale spreads these
   * calls over a second. Without `onStale` nothing is called then; see the event `stale`.
   *
   * @param claims what `check` answered
   * @returns a function that stops watching
   * @throws TypeError for any other value
   */
  watch(
    claims: Claims,
    callback: (why: EndOfWatch) => void,
    options?: Readonly<{ onStale?: OnStale | undefined }>,
  ): Watch
  /**
   * Checks a fresh token of the same issuer and subject, and watches it in the place of the token
   * that was watched: a connection outlives its first token. When it throws, the watch stays as it
   * was.
   *
   * @param watch what `watch` returned
   * @returns the claims of the fresh token
   * @throws GuardError 401 for a token that is not in order or of another issuer or subject, and when
   * the watch has ended; 503 when the guard cannot tell
   * @throws TypeError when `watch` did not return `watch`
   */
  renew(watch: Watch, jwt: string): Promise<Claims>
  stats(): GuardStats
  /**
   * Registers the metrics `cierre_guard_…` of this guard: freshness, checks by outcome, revocations,
   * key sets. Their values are read at each scrape.
   *
   * @param register a `Registry` of prom-client; two guards of a process need one each, since a
   * registry takes a name once
   */
  metrics(register: MetricsRegister): void
  on<Name extends keyof GuardEvents>(
    event: Name,
    listener: (...args: GuardEvents[Name]) => void,
  ): void
  off<Name extends keyof GuardEvents>(
    event: Name,
    listener: (...args: GuardEvents[Name]) => void,
  ): void
  /** Releases everything. From then on `check` refuses with 503. */
  close(): Promise<void>
}
