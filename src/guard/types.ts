import type { Clock } from '../runtime/clock.js'
import type { SenderConstrained } from '../token/confirmation.js'
import type { Claims } from '../token/verification.js'
import type { OnUnknown } from './fallback.js'
import type { EndOfToken } from './watches.js'

/** Where the feed is, and the machine client that may read the `feed`. */
export type FeedOptions = Readonly<{
  /** The service's origin; `https:`, or `http:` on a loopback address. */
  url: string
  clientId: string
  /** `undefined`, as an environment variable that is not set, is refused when the guard is made. */
  clientSecret: string | undefined
}>

/**
 * One entry of the service's `JWT_ISSUERS`, without what concerns the service alone. It has exactly
 * one of `secret`, `publicKey` and `jwksUri`; a variable that is not set, and therefore undefined,
 * is refused like a key that is missing.
 */
export type GuardIssuer = Readonly<{
  /**
   * Exact `iss`. A single entry may leave it out, as the service may `JWT_ISSUER`: `iss` is then
   * unchecked, and tokens need none.
   */
  issuer?: string | undefined
  audience?: string | readonly string[] | undefined
  algorithms?: string | readonly string[] | undefined
  /** HMAC secret, at least as long as the hash output */
  secret?: string | undefined
  /** PEM (SPKI), JWK or JWKS */
  publicKey?: string | object | undefined
  jwksUri?: string | undefined
  typ?: string | undefined
}>

/**
 * An option that may be left out may also be undefined; names and types are checked when the guard
 * is made.
 */
export type GuardOptions = Readonly<{
  /** Whose tokens are accepted. */
  issuers: readonly GuardIssuer[]
  feed: FeedOptions
  /** How old what is known may be, in milliseconds; 5000 unless given. */
  maxStalenessMs?: number | undefined
  /**
   * What becomes of a token that is in order while the guard cannot tell whether it is revoked; by
   * default a 503.
   */
  onUnknown?: OnUnknown | undefined
  /** As the service has them: `JWT_REQUIRE_EXP`, `CUTOFF_CLAIM`, `MAX_CLOCK_SKEW_S`. */
  requireExp?: boolean | undefined
  cutoffClaim?: 'iat' | 'auth_time' | undefined
  maxClockSkewS?: number | undefined
  /**
   * What becomes of a token with `cnf` (RFC 9449, RFC 8705), whose proof the guard does not check:
   * `refuse` (401) unless given. `ignore` is for an API that checks the proof itself; then the
   * scheme `DPoP` is taken, too.
   */
  senderConstrained?: SenderConstrained | undefined
  /** Verified tokens that are remembered, about; 32768 unless given. */
  maxRemembered?: number | undefined
  /** For tests that move time. */
  clock?: Clock | undefined
}>

/** The header, or every line of it; nothing when there is none. */
export type Authorization = string | readonly string[] | null | undefined

export type GuardStats = Readonly<{
  /** Whether the guard can tell. */
  fresh: boolean
  /** Since when it is proved that nothing was missing, in milliseconds; `Infinity`: never. */
  stalenessMs: number
  position: string | undefined
  /** Revocations held, and their memory in bytes. */
  revocations: number
  bytes: number
  /** Verified tokens remembered, and tokens watched. */
  remembered: number
  watched: number
  snapshots: number
  gaps: number
  reconnects: number
}>

/** `warning`: something went wrong on the way to the feed; it is tried again. */
export type GuardEvents = { fresh: []; stale: []; warning: [Error] }

export type Guard = {
  /**
   * Comes back when the guard can tell: it follows the feed, and every key set of a `jwksUri` has
   * been loaded. Until then it refuses what `onUnknown` does not let pass, and every token whose
   * key is not there.
   *
   * @param withinMs deadline, 10000 unless given
   * @throws Error that says whether the feed or a key set is missing, and why; at once when the
   * service refuses the client, or when what answers at the feed's address is no cierre. A
   * connection that fails, a 429 and a 5xx are tried again until the deadline.
   */
  ready(withinMs?: number): Promise<void>
  /**
   * Checks an `Authorization` header: verified, not expired, not revoked. Claims are frozen, and
   * shared by all who send this token.
   *
   * @param authorization the header, or every line of it; two lines are refused
   * @throws GuardError 401, or 503 when it cannot tell
   */
  check(authorization: Authorization): Promise<Claims>
  /**
   * Calls back once when a token is revoked or has expired, also when that is learnt from a
   * snapshot. While the guard is stale it learns nothing: see the event `stale`.
   *
   * @param claims what `check` answered
   * @returns a function that stops watching
   * @throws TypeError for anything else than what `check` answered
   */
  watch(claims: Claims, callback: (why: EndOfToken) => void): () => void
  stats(): GuardStats
  on<Name extends keyof GuardEvents>(
    event: Name,
    listener: (...args: GuardEvents[Name]) => void,
  ): void
  off<Name extends keyof GuardEvents>(
    event: Name,
    listener: (...args: GuardEvents[Name]) => void,
  ): void
  /** Lets go of everything; `check` then refuses with 503. */
  close(): Promise<void>
}
