import type { Logger } from 'pino'
import type { Config } from '../../config/config.js'
import type { RedisConnection, RedisNode } from '../../config/redis.js'
import { createClusterUnlink, type Unlink } from './cluster-unlink.js'
import type { AttemptTarget } from './connection-attempt.js'
import type { Outage } from '../../telemetry/outages.js'
import type { StoreOutages } from '../stores.js'
import { connectRedis, type LinkReporter, type RedisLink } from './connection.js'
import type { ReconnectReason } from '../../telemetry/metrics.js'
import { openServers, type Servers } from './servers.js'
import { requirePrimary } from './topology.js'

/**
 * Where session data is: nowhere; in the Redis of the revocations, where a commit deletes it; or
 * out of the reach of a commit, in another Redis or in other slots of a cluster.
 */
export type SessionData = Readonly<
  { place: 'none' } | { place: 'with revocations' } | { place: 'external'; unlink: Unlink }
>

/** The connections to Redis. */
export type Links = Readonly<{
  /** To the Redis of the revocations; absent with the embedded store. */
  main: RedisLink | undefined
  sessionData: SessionData
  /** A further connection to the Redis of the revocations, which there must be. */
  connect(purpose: LinkPurpose): RedisLink
  /** Resolves when the first attempt of every connection has ended, successfully or not. */
  firstAttempts(): Promise<void>
  /** Later connections authenticate as this configuration says. */
  reload(config: Pick<Config, 'redis' | 'sessionRedis'>): void
  close(): void
}>

type LinksParts = Readonly<{
  config: Pick<Config, 'redis' | 'sessionRedis' | 'maxStalenessMs'>
  log: Logger
  outages: StoreOutages
  onReconnect?: (reason: ReconnectReason) => void
}>

/** What a connection is for. */
type LinkPurpose = 'store' | 'commits' | 'feed' | 'sessions'

export function openLinks(parts: LinksParts): Links {
  const { config, log, outages, onReconnect = () => undefined } = parts
  const { redis, sessionRedis, maxStalenessMs } = config
  const links: RedisLink[] = []
  const open = (connection: RedisConnection | undefined, purpose: string) =>
    connection && openServers({ connection, maxStalenessMs, log: log.child({ redis: purpose }) })
  const main = open(redis, 'store')
  const isExternal = sessionRedis?.url !== redis?.url
  const external = isExternal ? open(sessionRedis, 'sessions') : undefined
  const connect = (servers: Servers, purpose: LinkPurpose, node?: RedisNode) => {
    const { dialing, topology } = servers
    const target: AttemptTarget = { ...topology, optionsFor: dialing.optionsFor }
    const link = connectRedis({
      target: node === undefined ? target : { ...target, ...primaryAt(node) },
      password: dialing.password,
      reporter: reporterOf(purpose, log, purpose === 'commits' ? outages.store : outages[purpose]),
      onReconnect,
    })
    links.push(link)
    return link
  }
  const mainLink = main && connect(main, 'store')
  return {
    main: mainLink,
    sessionData: sessionDataIn({ sessions: sessionRedis && (external ?? main), external, connect }),
    connect(purpose) {
      if (main === undefined) throw new Error('there is no Redis')
      return connect(main, purpose)
    },
    firstAttempts: async () =>
      void (await Promise.all(links.map(({ firstAttempt }) => firstAttempt))),
    reload(next) {
      if (next.redis !== undefined) main?.authenticateAs(next.redis)
      if (next.sessionRedis !== undefined) external?.authenticateAs(next.sessionRedis)
    },
    close() {
      for (const link of links) link.close()
      for (const servers of [main, external]) servers?.topology.close()
    },
  }
}

type SessionParts = Readonly<{
  sessions: Servers | undefined
  external: Servers | undefined
  connect: (servers: Servers, purpose: LinkPurpose, node?: RedisNode) => RedisLink
}>

function sessionDataIn({ sessions, external, connect }: SessionParts): SessionData {
  if (sessions === undefined) return { place: 'none' }
  const { readMap } = sessions
  if (readMap !== undefined) {
    const connectTo = (node: RedisNode) => connect(sessions, 'sessions', node)
    return { place: 'external', unlink: createClusterUnlink({ readMap, connectTo }) }
  }
  if (external === undefined) return { place: 'with revocations' }
  const link = connect(external, 'sessions')
  return { place: 'external', unlink: (keys) => link.run((client) => client.unlink([...keys])) }
}

/** A node that must be a primary, of whatever slots. */
const primaryAt = (node: RedisNode) => ({
  addressOfPrimary: async () => node,
  check: requirePrimary,
})

/** The first connection is logged by itself; those after an outage are its end. */
function reporterOf(redis: LinkPurpose, log: Logger, outage: Outage): LinkReporter {
  let hasConnected = false
  return {
    connected(address) {
      if (!hasConnected) log.info({ redis, address }, 'redis connected')
      hasConnected = true
    },
    reconnecting: (why) => log.debug({ redis, why }, 'reconnecting'),
    failed: (cause) =>
      outage.failed({ problem: 'cannot reach Redis', cause, what: 'connect', first: { redis } }),
  }
}
