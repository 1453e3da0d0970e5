import { EventEmitter } from 'node:events'
import { bearerToken, senderConstrainedChallenge } from './bearer.js'
import type { Clock } from './clock.js'
import { createFeedClient, type FeedOptions } from './guard/feed-client.js'
import { followFeed } from './guard/following.js'
import { GuardError, guardErrorOf } from './guard/error.js'
import { openGuardIssuers } from './guard/key-sets.js'
import { createKnownTokens, knownToken, type Known } from './guard/known.js'
import { readGuardOptions } from './guard/options.js'
import type { OnUnknown } from './guard/unknown.js'
import { createWatches, type EndOfToken } from './guard/watches.js'
import { createReplica } from './replica.js'
import { isKilledBy } from './store/entry.js'
import { isDpopBound, isSenderConstrained, type SenderConstrained } from './token/confirmation.js'
import { warnOfUnusableClaims } from './token/unusable-claims.js'
import { createVerification, type Claims } from './token/verification.js'

export { GuardError, type GuardErrorCode } from './guard/error.js'
export { FeedError, type FeedOptions } from './guard/feed-client.js'
export { askIntrospection, type OnUnknown, type OtherOpinion } from './guard/unknown.js'
export {
  expressGuard,
  fastifyGuard,
  guardRequest,
  honoGuard,
  isRevokedForExpressJwt,
  isRevokedForKoaJwt,
  koaGuard,
} from './guard/adapters.js'
export type { Clock } from './clock.js'
export type { Claims } from './token/verification.js'
export type { EndOfToken } from './guard/watches.js'

/**
 * One entry of the service's `JWT_ISSUERS`, without what concerns the service alone. It has exactly one of `secret`, `publicKey` and
 * `jwksUri`; a variable that is not set, and therefore undefined, is refused like a key that is missing.
 */
export type GuardIssuer = Readonly<{
  /** Exact `iss`. A single entry may leave it out, as the service may `JWT_ISSUER`: `iss` is then unchecked, and tokens need none. */
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

/** An option that may be left out may also be undefined; names and types are checked when the guard is made. */
export type GuardOptions = Readonly<{
  /** Whose tokens are accepted. */
  issuers: readonly GuardIssuer[]
  feed: FeedOptions
  /** How old what is known may be, in milliseconds; 5000 unless given. */
  maxStalenessMs?: number | undefined
  /** What becomes of a token that is in order while the guard cannot tell whether it is revoked; by default a 503. */
  onUnknown?: OnUnknown | undefined
  /** As the service has them: `JWT_REQUIRE_EXP`, `CUTOFF_CLAIM`, `MAX_CLOCK_SKEW_S`. */
  requireExp?: boolean | undefined
  cutoffClaim?: 'iat' | 'auth_time' | undefined
  maxClockSkewS?: number | undefined
  /**
   * What becomes of a token with `cnf` (RFC 9449, RFC 8705), whose proof the guard does not check: `refuse` (401) unless given. `ignore` is for an API
   * that checks the proof itself; then the scheme `DPoP` is taken, too.
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
   * Comes back when the guard can tell: it follows the feed, and every key set of a `jwksUri` has been loaded. Until then it refuses what
   * `onUnknown` does not let pass, and every token whose key is not there.
   *
   * @param withinMs deadline, 10000 unless given
   * @throws Error that says whether the feed or a key set is missing, and why; at once when the service refuses the client, or when what
   * answers at the feed's address is no cierre. A connection that fails, a 429 and a 5xx are tried again until the deadline.
   */
  ready(withinMs?: number): Promise<void>
  /**
   * Checks an `Authorization` header: verified, not expired, not revoked. Claims are frozen, and shared by all who send this token.
   *
   * @param authorization the header, or every line of it; two lines are refused
   * @throws GuardError 401, or 503 when it cannot tell
   */
  check(authorization: Authorization): Promise<Claims>
  /**
   * Calls back once when a token is revoked or has expired, also when that is learnt from a snapshot.
   * While the guard is stale it learns nothing: see the event `stale`.
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

/**
 * Checks tokens in this process: a look-up for a token that has been seen, a verification for a new one, and never a request to
 * anybody. It follows every revocation of the service, and knows whether it does.
 *
 * @throws TypeError that says everything that is wrong with the options
 */
export function createGuard(options: GuardOptions): Guard {
  const settings = readGuardOptions(options)
  const { maxStalenessMs, onUnknown, cutoffClaim, maxRemembered, senderConstrained, clock } =
    settings
  const { now } = clock
  const schemes = { dpop: senderConstrained === 'ignore' }
  const emitter = new EventEmitter<GuardEvents>()
  // What a listener throws is nobody's to swallow, and must not end what the guard was about to do.
  const tell = <Name extends keyof GuardEvents>(event: Name, ...args: GuardEvents[Name]) => {
    try {
      emitter.emit(event, ...(args as never))
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
  const feed = createFeedClient(settings.feed)
  const warn = (details: object, message: string) =>
    tell('warning', new Error(`${message}: ${JSON.stringify(details)}`))
  const keySets = openGuardIssuers({
    issuers: settings.issuers,
    requireExp: settings.requireExp,
    now,
    warn,
  })
  const verification = createVerification({
    issuers: keySets.issuers,
    now,
    maxClockSkewMs: settings.maxClockSkewS * 1000,
    cutoffClaim,
    onUnusableClaim: warnOfUnusableClaims(now, warn),
  })
  const replica = createReplica(now)
  const remembered = createKnownTokens(Math.ceil(maxRemembered / 2))
  const knownByClaims = new WeakMap<object, Known>()

  const isRevoked = ({ words, has, issuedAtS }: Known): boolean =>
    replica.findWords(words, 0) !== -1 ||
    (has.s && replica.findWords(words, 4) !== -1) ||
    (has.j && replica.findWords(words, 8) !== -1) ||
    (has.u && isSubjectRevoked(words, issuedAtS))
  const isSubjectRevoked = (words: Uint32Array, issuedAtS: unknown): boolean => {
    const cutoff = replica.findWords(words, 12)
    return cutoff !== -1 && isKilledBy('u:', cutoff, issuedAtS)
  }
  const watches = createWatches({ isRevoked, now })
  const following = followFeed({
    feed,
    replica,
    clock,
    maxStalenessMs,
    onEvent: ({ entry }) => entry && watches.learnt(entry),
    onSnapshot: watches.learntMany,
    onFreshness: (isFresh) => tell(isFresh ? 'fresh' : 'stale'),
    onTrouble: (error) => tell('warning', error),
  })
  let isClosed = false

  const verifying = new Map<string, Promise<Known>>()
  /** Many requests of one page bring the same new token at once: it is verified once. */
  const verifiedOnce = (header: string): Promise<Known> => {
    const running =
      verifying.get(header) ?? verified(header).finally(() => verifying.delete(header))
    verifying.set(header, running)
    return running
  }
  const verified = async (authorization: Authorization): Promise<Known> => {
    const lines = typeof authorization === 'string' ? [authorization] : (authorization ?? [])
    try {
      const token = await verification.verify(bearerToken(lines, schemes))
      if (token.timing === 'expired')
        throw new GuardError('token_expired', { authorization: lines })
      if (token.timing === 'ahead') throw new GuardError('invalid_token', { authorization: lines })
      if (senderConstrained === 'refuse' && isSenderConstrained(token.claims)) {
        throw new GuardError('invalid_token', {
          challenge: senderConstrainedChallenge(isDpopBound(token.claims)),
        })
      }
      // A copy: the header of a request is often a piece of something larger.
      const known = knownToken(
        Buffer.from(lines[0] ?? '', 'latin1').toString('latin1'),
        token,
        cutoffClaim,
      )
      remembered.add(known)
      knownByClaims.set(token.claims, known)
      return known
    } catch (error) {
      throw guardErrorOf(error, lines)
    }
  }
  const undecided = async (known: Known): Promise<Claims> => {
    const { claims } = known.token
    const why = following.hasSnapshot() ? 'stale' : 'no_snapshot'
    if (isClosed) throw new GuardError('unknown')
    const question = { token: bearerToken([known.header], schemes), claims, why } as const
    const opinion = await Promise.resolve(question)
      .then(onUnknown)
      .catch((cause: unknown) => {
        throw new GuardError('unknown', { cause })
      })
    // It may have been learnt meanwhile.
    if (isRevoked(known)) throw revoked(known)
    if (opinion === 'active') return claims
    if (opinion === 'revoked') throw revoked(known)
    throw new GuardError('unknown')
  }
  const revoked = ({ header }: Known) =>
    new GuardError('invalid_token', { authorization: [header] })
  const decide = (known: Known): Claims | Promise<Claims> => {
    if (isRevoked(known)) throw revoked(known)
    return following.isFresh() && !isClosed ? known.token.claims : undecided(known)
  }

  return {
    async ready(withinMs = 10_000) {
      const deadlineMs = performance.now() + withinMs
      const leftMs = () => Math.max(0, Math.ceil(deadlineMs - performance.now()))
      await following.fresh(withinMs)
      await keySets.loaded(leftMs(), withinMs)
      // What was fresh may have become stale while the keys were awaited.
      await following.fresh(leftMs())
    },
    async check(authorization) {
      if (typeof authorization === 'string') {
        const known = remembered.get(authorization)
        if (
          known !== undefined &&
          known.expMs > now() &&
          known.generation === known.token.issuer.keys.generation()
        )
          return decide(known)
        return decide(await verifiedOnce(authorization))
      }
      return decide(await verified(authorization))
    },
    watch(claims, callback) {
      const known = knownByClaims.get(claims)
      if (known === undefined) throw new TypeError('watch takes what check answered')
      return watches.add(known, callback)
    },
    stats: () => ({
      fresh: following.isFresh() && !isClosed,
      stalenessMs: following.stalenessMs(),
      position: following.position(),
      revocations: replica.size(),
      bytes: replica.bytes(),
      remembered: remembered.size(),
      watched: watches.size(),
      ...following.counts(),
    }),
    on: (event, listener) => void emitter.on(event, listener as never),
    off: (event, listener) => void emitter.off(event, listener as never),
    async close() {
      isClosed = true
      keySets.close()
      watches.clear()
      remembered.clear()
      await following.close()
    },
  }
}
