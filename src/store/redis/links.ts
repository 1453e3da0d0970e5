import type { Logger } from 'pino'
import type { Config } from '../../config/config.js'
import type { RedisConnection } from '../../config/redis.js'
import type { Outage } from '../../telemetry/outages.js'
import type { StoreOutages } from '../stores.js'
import { connectRedis, type LinkReporter, type RedisLink } from './connection.js'

/** The connections to Redis. */
export type Links = Readonly<{
  /** To the Redis of the revocations; absent with the embedded store. */
  main: RedisLink | undefined
  /** To the Redis that holds session data; may be `main`. */
  sessions: RedisLink | undefined
  /** `sessions` where it is an external session store; absent where it is `main`. */
  external: RedisLink | undefined
  /** A further connection to the Redis of the revocations. */
  connect(connection: RedisConnection, purpose: LinkPurpose): RedisLink
  /** Resolves when the first attempt of every connection has ended, successfully or not. */
  firstAttempts(): Promise<void>
  /** Later connections authenticate as this configuration says. */
  reload(config: Pick<Config, 'redis' | 'sessionRedis'>): void
  close(): void
}>

type LinkParts = Readonly<{
  config: Pick<Config, 'redis' | 'sessionRedis'>
  log: Logger
  outages: StoreOutages
}>

/** What a connection is for. */
type LinkPurpose = 'store' | 'commits' | 'feed' | 'sessions'

export function openLinks({ config, log, outages }: LinkParts): Links {
  const links: RedisLink[] = []
  const connect = (connection: RedisConnection, purpose: LinkPurpose) => {
    const outage = purpose === 'commits' ? outages.store : outages[purpose]
    const link = connectRedis(connection, reporterOf(purpose, log, outage))
    links.push(link)
    return link
  }
  const main = config.redis && connect(config.redis, 'store')
  const isExternal = config.sessionRedis?.url !== config.redis?.url
  const external =
    config.sessionRedis && isExternal ? connect(config.sessionRedis, 'sessions') : undefined
  return {
    main,
    sessions: config.sessionRedis && (external ?? main),
    external,
    connect,
    firstAttempts: async () =>
      void (await Promise.all(links.map(({ firstAttempt }) => firstAttempt))),
    reload({ redis, sessionRedis }) {
      for (const link of links) {
        const connection = link === external ? sessionRedis : redis
        if (connection !== undefined) link.authenticateAs(connection)
      }
    },
    close: () => links.forEach((link) => link.close()),
  }
}

/** The first connection is logged by itself; those after an outage are its end. */
function reporterOf(redis: LinkPurpose, log: Logger, outage: Outage): LinkReporter {
  let hasConnected = false
  return {
    connected() {
      if (!hasConnected) log.info({ redis }, 'redis connected')
      hasConnected = true
    },
    reconnecting: (why) => log.debug({ redis, why }, 'reconnecting'),
    failed: (cause) =>
      outage.failed({ problem: 'cannot reach Redis', cause, what: 'connect', first: { redis } }),
  }
}
