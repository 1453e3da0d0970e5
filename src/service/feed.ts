import { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import type { FeedEvent } from '../feed/event.js'
import { createStoreFollower, type StoreFollower } from '../feed/store-follower.js'
import { createSubscribers, type Subscribers } from '../feed/subscribers.js'
import { createTailReader } from '../feed/tail.js'
import { commitOf } from '../revocation/commit.js'
import { createLiveSet, type LiveSet } from '../revocation/live-set.js'
import { cautiousTime, clockOf } from '../runtime/clock.js'
import type { Stores } from '../store/stores.js'
import type { Outage } from '../telemetry/outages.js'

/** What the follower of this instance reports. The live set has what it reports already. */
export type FeedNews = EventEmitter<{
  events: [readonly FeedEvent[]]
  snapshot: []
  snapshotPart: []
  gap: []
  proven: []
  freshness: [isFresh: boolean]
  trouble: [Error]
}>

/** The way of revocations through this instance: from the store's feed to the subscribers. */
export type Feed = Readonly<{
  /** Every revocation that this instance knows. */
  liveSet: LiveSet
  /** The live set as the rules use it: they add what this instance has stored itself. */
  storedHere: Pick<LiveSet, 'add' | 'find' | 'covers'>
  follower: StoreFollower
  news: FeedNews
  subscribers: Subscribers
  readTail: ReturnType<typeof createTailReader>
  close(): Promise<void>
}>

export type FeedParts = Readonly<{
  stores: Pick<Stores, 'feed' | 'feedReader' | 'revocations'>
  log: Logger
  outage: Outage
  now: () => number
  timeoutMs: number
  maxStalenessMs: number
}>

export function createFeed(parts: FeedParts): Feed {
  const { stores, log, outage, now, timeoutMs, maxStalenessMs } = parts
  const liveSet = createLiveSet(now, cautiousTime(clockOf(now)))
  const news: FeedNews = new EventEmitter()
  const follower = createStoreFollower({
    feed: stores.feed,
    liveSet,
    restore: async (entries) => void (await stores.revocations.commit(commitOf(entries))),
    onEvents: (events) => news.emit('events', events),
    onGap: () => news.emit('gap'),
    onSnapshot: () => news.emit('snapshot'),
    onSnapshotPart: () => news.emit('snapshotPart'),
    onProven: () => news.emit('proven'),
    onFreshness: (isFresh) => news.emit('freshness', isFresh),
    onTrouble: (error) => news.emit('trouble', error as Error),
    log,
    outage,
    now,
    timeoutMs,
    maxStalenessMs,
  })
  const { position } = follower
  const subscribers = createSubscribers({ feed: stores.feedReader, position, timeoutMs })
  news.on('events', subscribers.publish)
  news.on('gap', subscribers.gap)
  return {
    liveSet,
    storedHere: {
      find: liveSet.find,
      covers: liveSet.covers,
      add(entry) {
        follower.stored(entry)
        liveSet.add(entry)
      },
    },
    follower,
    news,
    subscribers,
    readTail: createTailReader(stores.feedReader),
    async close() {
      await follower.close()
      subscribers.close()
    },
  }
}
