import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { ServiceError } from '../errors.js'
import { redisAuditTrail } from './redis/audit-trail.js'
import { createMemoryAdapter } from './memory.js'
import { createLayoutCheck } from './redis/layout.js'
import { memoryProbe, redisProbe } from './redis/health.js'
import { connectRedis } from './redis/connection.js'
import { redisFeedLog, redisFeedReader } from './redis/feed-log.js'
import { createKeyDeleter, createStore, type KeyDeleter, type StoreObserver } from './store.js'
import type { Store, StoreProbe } from '../revocation/ports.js'
import type { FeedLog, FeedReader } from '../feed/feed-log.js'
import type { AuditTrail } from '../audit/trail.js'
import { memoryAuditTrail } from './memory-audit-trail.js'
import { auditKey, feedKey, historyKey, keyPrefix, layoutKey } from './names.js'
import { RedisAdapter, redisEntryReader, RevocationAdapter } from './redis/adapter.js'

/** Everything that keeps bytes, on Redis or embedded. */
export type Stores = {
  revocations: Store
  feed: FeedLog
  feedReader: FeedReader
  trail: AuditTrail
  probe: StoreProbe
  /** Comes when every connection has been made, or has failed once. */
  tried(): Promise<void>
  /** Lets the connections that follow authenticate as this configuration says. */
  reload(config: Config): void
  close(): Promise<void>
}

const noSessionStore: KeyDeleter = async () => {
  throw new ServiceError('session_store_unavailable', { reason: 'sessions' })
}

export function openStores({
  config,
  log,
  now,
  observe,
}: {
  config: Config
  log: Logger
  now: () => number
  observe: StoreObserver
}): Stores {
  const timeoutMs = config.storeTimeoutMs
  const caps = { maxEvents: config.audit.maxEvents, maxAgeMs: config.audit.maxAgeMs, now }
  const connections: ReturnType<typeof connectRedis>[] = []
  const connect = (connection: Parameters<typeof connectRedis>[0], purpose: string) => {
    const opened = connectRedis(connection, log.child({ redis: purpose }))
    connections.push(opened)
    return opened
  }
  const main = config.redis && connect(config.redis, 'store')
  const sessionLink =
    config.sessionRedis &&
    (config.sessionRedis.url === config.redis?.url
      ? main
      : connect(config.sessionRedis, 'sessions'))
  const reload: Stores['reload'] = ({ redis, sessionRedis }) => {
    for (const link of connections) {
      const connection = link === sessionLink && link !== main ? sessionRedis : redis
      if (connection !== undefined) link.authenticateAs(connection)
    }
  }
  const tried = async () => void (await Promise.all(connections.map((link) => link.tried)))
  const close = async () => connections.forEach((connection) => connection.close())
  const elsewhere =
    sessionLink && sessionLink !== main
      ? createKeyDeleter({ adapter: new RedisAdapter(sessionLink.client), timeoutMs, observe })
      : undefined
  const deleteKeys = sessionLink === undefined ? noSessionStore : elsewhere
  // A template as it stands names nobody's session.
  const [template] = config.issuers.flatMap(({ sessionKeys }) => sessionKeys)
  const probeSessions = async () =>
    void (
      elsewhere !== undefined &&
      template !== undefined &&
      (await sessionLink?.client.unlink(template))
    )
  if (config.redis === undefined || main === undefined) {
    const trail = memoryAuditTrail(caps)
    const adapter = createMemoryAdapter({ now, keyPrefix, trail })
    return {
      revocations: createStore({
        adapter: adapter as never,
        readEntry: adapter.readEntry,
        deleteKeys,
        timeoutMs,
        observe,
      }),
      feed: adapter.feed,
      feedReader: adapter.feed,
      trail,
      probe: async () => {
        await probeSessions()
        return memoryProbe()
      },
      tried,
      reload,
      close: async () => {
        await adapter.disconnect()
        await close()
      },
    }
  }
  const layout = createLayoutCheck(log)
  const minReplicas = config.redisMinReplicas
  // WAIT holds up every command behind it, so commits that wait have a connection of their own.
  const writer = minReplicas > 0 ? connect(config.redis, 'commits') : main
  const adapter = new RevocationAdapter(main.client, writer, {
    feed: feedKey,
    history: historyKey,
    trail: auditKey,
    layoutKey,
    layout,
    trailLength: caps.maxEvents,
    prefix: keyPrefix,
    now,
    minReplicas,
    timeoutMs,
  })
  return {
    revocations: createStore({
      adapter,
      readEntry: redisEntryReader({ redis: main.client, now, layoutKey, layout }),
      layout,
      deleteKeys,
      timeoutMs,
      observe,
    }),
    feed: redisFeedLog({
      link: connect(config.redis, 'feed'),
      begin: () => adapter.begin(),
      feedKey,
      historyKey,
      layoutKey,
      layout,
      keyPrefix,
      now,
    }),
    feedReader: redisFeedReader({ client: main.client, feedKey, layoutKey, layout }),
    trail: redisAuditTrail(main.client, caps),
    probe: async () => {
      // All that a logout and a check ask of Redis.
      const [fitness] = await Promise.all([
        redisProbe(main.client, minReplicas)(),
        adapter.begin(),
        adapter.dryRun(),
        main.client.mGet([historyKey]),
        probeSessions(),
      ])
      return fitness
    },
    tried,
    reload,
    close,
  }
}
