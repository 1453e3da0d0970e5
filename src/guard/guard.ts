import { EventEmitter } from 'node:events'
import { bearerToken, senderConstrainedChallenge } from '../token/bearer.js'
import { createFeedClient } from './http-feed.js'
import { followFeed } from './following.js'
import { GuardError, guardErrorOf } from './error.js'
import { openGuardIssuers } from './key-sets.js'
import { createTokenCache, cachedToken, type Known } from './token-cache.js'
import { readGuardOptions } from './options.js'
import { createWatches } from './watches.js'
import { createLiveSet } from '../revocation/live-set.js'
import { isRevokedBy } from '../revocation/entry.js'
import { isDpopBound, isSenderConstrained } from '../token/confirmation.js'
import { warnOfUnusableClaims } from '../token/unusable-claims.js'
import { createVerification, type Claims } from '../token/verification.js'

import type { Authorization, Guard, GuardEvents, GuardOptions } from './types.js'
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
  const liveSet = createLiveSet(now)
  const remembered = createTokenCache(Math.ceil(maxRemembered / 2))
  const knownByClaims = new WeakMap<object, Known>()

  const isRevoked = ({ words, has, issuedAtS }: Known): boolean =>
    liveSet.findPacked(words, 0) !== -1 ||
    (has.s && liveSet.findPacked(words, 4) !== -1) ||
    (has.j && liveSet.findPacked(words, 8) !== -1) ||
    (has.u && isSubjectRevoked(words, issuedAtS))
  const isSubjectRevoked = (words: Uint32Array, issuedAtS: unknown): boolean => {
    const cutoff = liveSet.findPacked(words, 12)
    return cutoff !== -1 && isRevokedBy('u:', cutoff, issuedAtS)
  }
  const watches = createWatches({ isRevoked, now })
  const following = followFeed({
    feed,
    liveSet,
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
      const known = cachedToken(
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
      revocations: liveSet.size(),
      bytes: liveSet.bytes(),
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
