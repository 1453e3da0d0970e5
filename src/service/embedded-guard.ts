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
  const { issuers, requireExp, senderConstrained } = config
  const guard = openGuard(
    {
      issuers,
      requireExp,
      senderConstrained,
      maxClockSkewS: config.maxClockSkewMs / 1000,
      maxTokenLength: config.maxTokenLength,
      onUnknown: refuseUnknown,
      maxRemembered: defaultMaxRemembered,
      clock: { now, monotonicMs: () => performance.now() },
    },
    { liveSet: feed.liveSet, follow: (observer) => followFeed(feed, observer) },
  )
  // The log of the instance tells of it, so the console need not.
  guard.on('stale', () => undefined)
  return guard
}

/** The follower of this instance, as the guard sees it; the instance starts and closes it. */
function followFeed({ follower, news }: Feed, observer: GuardObserver): GuardFollower {
  const readiness = createReadiness(follower.isFresh)
  const onTrouble = (error: Error) => {
    readiness.note(error)
    observer.onTrouble(error)
  }
  const subscribe = (way: 'on' | 'off') =>
    news[way]('events', observer.onEvents)
      [way]('snapshot', observer.onSnapshot)
      [way]('snapshotPart', readiness.onPart)
      // Events that arrive together with a gap are in the live set, but are not reported.
      [way]('gap', observer.onSnapshot)
      [way]('freshness', observer.onFreshness)
      [way]('proven', readiness.succeed)
      [way]('trouble', onTrouble)
  return {
    ...follower,
    start: () => void subscribe('on'),
    patience: readiness.patience,
    fresh: readiness.fresh,
    async close() {
      subscribe('off')
      readiness.close()
    },
  }
}
