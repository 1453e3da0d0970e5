import type { FeedEvent } from '../feed/event.js'
import type { GuardFollower, GuardObserver } from '../guard/guard-follower.js'
import { openGuard } from '../guard/guard.js'
import { refuseUnknown } from '../guard/fallback.js'
import { defaultMaxRemembered } from '../guard/options.js'
import { createReadiness } from '../guard/readiness.js'
import type { Guard } from '../guard/types.js'
import type { Feed } from './feed.js'
import type { ServiceParts } from './parts.js'

/** A guard that shares the live set of this instance, and so knows its logouts at once. */
export function createEmbeddedGuard({ config, feed, now }: ServiceParts): Guard {
  const { issuers, requireExp, cutoffClaim, senderConstrained } = config
  return openGuard(
    {
      issuers,
      requireExp,
      cutoffClaim,
      senderConstrained,
      maxClockSkewS: config.maxClockSkewMs / 1000,
      onUnknown: refuseUnknown,
      maxRemembered: defaultMaxRemembered,
      clock: { now, monotonicMs: () => performance.now() },
    },
    { liveSet: feed.liveSet, follow: (observer) => followFeed(feed, observer) },
  )
}

/** The follower of this instance, as the guard sees it; the instance starts and closes it. */
function followFeed({ follower, news }: Feed, observer: GuardObserver): GuardFollower {
  const readiness = createReadiness()
  let isClosed = false
  const onEvents = (events: readonly FeedEvent[]) => observer.onEvents(events)
  const onTrouble = (error: Error) => {
    readiness.note(error)
    observer.onTrouble(error)
  }
  const start = () => {
    news.on('events', onEvents)
    news.on('snapshot', observer.onSnapshot)
    // The live set has events that were found together with the gap, and that are not reported.
    news.on('gap', observer.onSnapshot)
    news.on('freshness', observer.onFreshness)
    news.on('proven', readiness.succeed)
    news.on('trouble', onTrouble)
  }
  const stop = () => {
    news.off('events', onEvents)
    news.off('snapshot', observer.onSnapshot)
    news.off('gap', observer.onSnapshot)
    news.off('freshness', observer.onFreshness)
    news.off('proven', readiness.succeed)
    news.off('trouble', onTrouble)
  }
  return {
    ...follower,
    start,
    async fresh(ms) {
      if (isClosed) throw new Error('the guard was closed')
      if (!follower.isFresh()) await readiness.wait(ms)
    },
    async close() {
      isClosed = true
      stop()
      readiness.fail(new Error('the guard was closed'))
    },
  }
}
