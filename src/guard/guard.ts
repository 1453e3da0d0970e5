import { cautiousTime } from '../runtime/clock.js'
import { createLiveSet, type LiveSet } from '../revocation/live-set.js'
import { warnOfClaims } from '../token/unusable-claims.js'
import { createVerification } from '../token/verification.js'
import { warnOfClearText } from './credentials.js'
import { createGuardCheck } from './guard-check.js'
import { createGuardEvents } from './guard-events.js'
import { registerMetrics } from './guard-metrics.js'
import { createGuardFollower, type GuardFollower, type GuardObserver } from './guard-follower.js'
import { createFeedClient } from './http-feed.js'
import { createIssuerComparison } from './issuer-differences.js'
import { createHttpFeedSource } from './http-feed-source.js'
import { openGuardIssuers } from './key-sets.js'
import { createGuardWatch } from './guard-watch.js'
import { createLoginCheck } from './login-check.js'
import { readGuardOptions, type CheckSettings, type GuardSettings } from './options.js'
import { createRevocationLookup } from './revocation-lookup.js'
import type { Guard, GuardOptions } from './types.js'
import { createUnheardFreshness } from './unheard-freshness.js'
import { createVerifiedTokens } from './verified-tokens.js'
import { createWatches } from './watches.js'

/**
 * Checks tokens in this process: a look-up for a token that was verified before, a verification for
 * a new one, and no request. The guard follows every revocation of the service, and knows how fresh
 * its knowledge is.
 *
 * @throws TypeError that says everything that is wrong with the options
 */
export function createGuard(options: GuardOptions): Guard {
  const settings = readGuardOptions(options)
  warnOfClearText('feed.url', settings.feed)
  return openGuard(settings, followService(settings))
}

/** What a guard knows of revocations, wherever it comes from. */
export type KnownRevocations = Readonly<{
  liveSet: Pick<LiveSet, 'find' | 'findPacked' | 'size' | 'bytes'>
  /** Makes the follower that keeps the live set up to date. The guard starts and closes it. */
  follow: (observer: GuardObserver) => GuardFollower
}>

/** What a guard knows of revocations by the feed of a service. */
export function followService({ feed, issuers, clock, maxStalenessMs }: GuardSettings) {
  const liveSet = createLiveSet(clock.now, cautiousTime(clock))
  const follow = (observer: GuardObserver) => {
    const onIssuers = createIssuerComparison(issuers, observer.onWarning)
    const source = createHttpFeedSource(createFeedClient(feed, onIssuers))
    return createGuardFollower({ ...observer, source, liveSet, clock, maxStalenessMs })
  }
  return { liveSet, follow }
}

/** Opens a guard over a live set, which `follow` keeps up to date. */
export function openGuard(settings: CheckSettings, { liveSet, follow }: KnownRevocations): Guard {
  const { clock } = settings
  const events = createGuardEvents()
  const unheard = createUnheardFreshness(events.isHeard)
  const warn = (details: object, message: string) =>
    events.emit('warning', new Error(`${message}: ${JSON.stringify(details)}`))
  const keySets = openKeySets(settings, warn, (error) => events.emit('warning', error))
  const tokens = openTokens(settings, keySets.issuers, warn)
  const isRevoked = createRevocationLookup(liveSet)
  const watches = createWatches({ isRevoked, now: clock.now })
  const follower = follow(observerOf({ events, unheard, watches }))
  let isClosed = false
  const isFresh = () => follower.isFresh() && !isClosed
  const { check, counts } = createGuardCheck({
    tokens,
    isRevoked,
    isFresh,
    isClosed: () => isClosed,
    hasSnapshot: () => follower.counts().snapshots > 0,
    onUnknown: settings.onUnknown,
  })
  const close = async () => {
    isClosed = true
    keySets.close()
    watches.close()
    tokens.clear()
    await follower.close()
  }
  const stats = () => ({
    ...statsOf(follower, { liveSet, tokens, watches }),
    fresh: isFresh(),
    checks: counts(),
    keySets: keySets.states(),
  })
  follower.start()
  return {
    ready: readyWhen(follower, keySets),
    check,
    isRevoked: createLoginCheck({ settings, liveSet, isFresh }),
    ...createGuardWatch({ watches, check, tokenOfClaims: tokens.ofClaims }),
    stats,
    metrics: (register) => registerMetrics(register, stats),
    on: events.on,
    off: events.off,
    close,
  }
}

/** Hands what the follower sees to the watches, to the listeners, and to the console without any. */
const observerOf = ({
  events,
  unheard,
  watches,
}: {
  events: ReturnType<typeof createGuardEvents>
  unheard: ReturnType<typeof createUnheardFreshness>
  watches: ReturnType<typeof createWatches>
}): GuardObserver => ({
  onEvents(all) {
    for (const { entry } of all) if (entry !== undefined) watches.onRevocation(entry)
  },
  onSnapshot: watches.onSnapshot,
  onFreshness(isFresh) {
    watches.onFreshness(isFresh)
    events.emit(isFresh ? 'fresh' : 'stale')
    unheard.onFreshness(isFresh)
  },
  onTrouble(error) {
    events.emit('warning', error)
    unheard.onTrouble(error)
  },
  onWarning(warning) {
    events.emit('warning', warning)
    unheard.onWarning(warning)
  },
})

type Warn = (details: object, message: string) => void

const openKeySets = (
  { issuers, requireExp, clock }: CheckSettings,
  warn: Warn,
  onNotLoaded: (error: Error) => void,
) => openGuardIssuers({ issuers, requireExp, now: clock.now, warn, onNotLoaded })

type KeySets = ReturnType<typeof openKeySets>

function openTokens(settings: CheckSettings, issuers: KeySets['issuers'], warn: Warn) {
  const { senderConstrained, maxRemembered, clock } = settings
  const { now } = clock
  const verification = createVerification({
    issuers,
    now,
    maxClockSkewMs: settings.maxClockSkewS * 1000,
    maxTokenLength: settings.maxTokenLength,
    onVerified: warnOfClaims(now, warn),
  })
  return createVerifiedTokens({ verification, senderConstrained, maxRemembered, now })
}

const readyWhen =
  (follower: GuardFollower, keySets: KeySets): Guard['ready'] =>
  async (withinMs) => {
    const patience = follower.patience(withinMs)
    await follower.fresh(patience)
    await keySets.loaded(patience)
    // The guard may have become stale while it waited for the keys.
    await follower.fresh(patience)
  }

function statsOf(
  follower: GuardFollower,
  parts: {
    liveSet: KnownRevocations['liveSet']
    tokens: ReturnType<typeof createVerifiedTokens>
    watches: ReturnType<typeof createWatches>
  },
) {
  const { snapshots, gaps, reconnects } = follower.counts()
  return {
    stalenessMs: follower.stalenessMs(),
    position: follower.position(),
    revocations: parts.liveSet.size(),
    bytes: parts.liveSet.bytes(),
    remembered: parts.tokens.size(),
    watched: parts.watches.size(),
    snapshots,
    gaps,
    reconnects,
  }
}
