import type { FeedReader } from '../../feed/feed-source.js'
import { epochKey, feedKey, keyPrefix, layoutKey } from '../names.js'
import { createStore, type KeyDeleter } from '../store.js'
import { trailCaps, type KeptStores, type StoresParts } from '../stores.js'
import { RevocationAdapter, redisEntryReader, redisValueReader } from './adapter.js'
import { createClockCheck } from './clock-check.js'
import { createCommitter } from './commit.js'
import { redisAuditTrail } from './audit-trail.js'
import type { RedisLink } from './connection.js'
import { redisFeedLog, redisFeedReader } from './feed-log.js'
import { createForeignValues } from './foreign-values.js'
import { redisHealthCheck } from './health.js'
import { createLayoutCheck } from './layout.js'
import type { Links } from './links.js'

type Parts = StoresParts & {
  /** The connection for everything except the feed and commits that wait for replicas. */
  main: RedisLink
  links: Links
  deleteKeys: KeyDeleter | undefined
}

/** The stores on Redis. */
export function openRedisStores(parts: Parts): KeptStores {
  const { config, log, now, observe, main, links, deleteKeys } = parts
  const { redisMinReplicas: minReplicas, storeTimeoutMs: timeoutMs } = config
  const layout = createLayoutCheck(log)
  const caps = trailCaps(config, now)
  // WAIT holds up every command behind it, so commits that wait have a connection of their own.
  const writer = minReplicas > 0 ? links.connect('commits') : main
  const foreign = createForeignValues(log)
  const toleranceMs = config.maxClockSkewMs + timeoutMs
  const clock = createClockCheck({ now, toleranceMs, log })
  const readValues = redisValueReader(main, foreign, clock)
  const committer = createCommitter({
    writer,
    layout,
    clock,
    foreign,
    trailLength: caps.maxEvents,
    minReplicas,
    timeoutMs,
    sessionKeys:
      deleteKeys === undefined ? config.issuers.flatMap(({ sessionKeys }) => sessionKeys) : [],
  })
  const checkInfo = redisHealthCheck({ link: main, minReplicas, clock })
  return {
    revocations: createStore({
      adapter: new RevocationAdapter(main, committer, readValues),
      readEntry: redisEntryReader({ link: main, now, layout, readValues }),
      layout,
      deleteKeys,
      timeoutMs,
      observe,
    }),
    feed: redisFeedLog({
      link: links.connect('feed'),
      begin: committer.begin,
      feedKey,
      historyKey: epochKey,
      layoutKey,
      layout,
      clock,
      foreign,
      keyPrefix,
    }),
    feedReader: confirmedReader(
      main,
      redisFeedReader({ link: main, feedKey, layoutKey, layout, clock }),
    ),
    trail: redisAuditTrail(main, caps),
    async checkHealth() {
      // Everything that a logout and a check need of Redis.
      const [health, foreignKey] = await Promise.all([
        checkInfo(),
        foreign.find((key) => readValues([layoutKey, key])),
        committer.begin(),
        committer.dryRun(),
        readEpoch(main),
      ])
      return foreignKey === undefined ? health : { ...health, store: 'failed', foreignKey }
    },
    close: () => undefined,
  }
}

const readEpoch = (link: RedisLink) => link.run((client) => client.mGet([epochKey]))

/**
 * A guard counts from before it asked. So the primary is confirmed first, after the guard asked, and
 * then the tail is read.
 */
const confirmedReader = (link: RedisLink, reader: FeedReader): FeedReader => ({
  ...reader,
  async tail() {
    await link.confirm()
    return reader.tail()
  },
})
