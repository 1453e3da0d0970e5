import { positionOf, type FeedEvent } from '../feed/event.js'
import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import type { GuardFollower, GuardObserver } from './guard-follower.js'
import { createReadiness } from './readiness.js'

/** Follows no feed: a test gives it its revocations, and says whether it is fresh. */
export function createTestFollower(liveSet: LiveSet) {
  const readiness = createReadiness(() => mode === 'fresh')
  let mode: 'fresh' | 'stale' | 'closed' = 'fresh'
  let last: FeedEvent = { id: '0-0', entry: undefined }
  let observer: GuardObserver | undefined
  /** As of a feed that cannot be read, revocations wait until it can. */
  const waiting: Entry[] = []
  const deliver = () => {
    const entries = waiting.splice(0)
    entries.forEach(liveSet.add)
    const events = entries.map((entry): FeedEvent => (last = { id: idAfter(last), entry }))
    observer?.onEvents(events)
  }
  const follower: GuardFollower = {
    // The event comes after the caller had time to listen.
    start: () => queueMicrotask(() => mode === 'fresh' && observer?.onFreshness(true)),
    isFresh: () => mode === 'fresh',
    stalenessMs: () => (mode === 'fresh' ? 0 : Infinity),
    position: () => positionOf(last),
    counts: () => ({ snapshots: 1, gaps: 0, reconnects: 0 }),
    patience: readiness.patience,
    fresh: readiness.fresh,
    async close() {
      mode = 'closed'
      readiness.close()
    },
  }
  return {
    follow(given: GuardObserver): GuardFollower {
      observer = given
      return follower
    },
    add(entry: Entry): void {
      waiting.push(entry)
      if (mode === 'fresh') deliver()
    },
    /** Changes nothing after the guard was closed. */
    setStale(isStale: boolean): void {
      if (mode === 'closed' || isStale === (mode === 'stale')) return
      mode = isStale ? 'stale' : 'fresh'
      if (!isStale) {
        deliver()
        readiness.succeed()
      }
      observer?.onFreshness(!isStale)
    },
  }
}

const idAfter = ({ id }: FeedEvent) => `0-${Number(id.slice(2)) + 1}`
