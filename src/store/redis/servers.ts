import type { Logger } from 'pino'
import type { RedisConnection, RedisNode } from '../../config/redis.js'
import { errorText } from '../../runtime/error-text.js'
import { addressOf } from '../../runtime/network-address.js'
import { clusterTopology, createMapReader, type SlotMap } from './cluster.js'
import { connectRedis, type LinkReporter } from './connection.js'
import { createDialing, type Dialing } from './dialing.js'
import { plainTopology } from './plain.js'
import { sentinelTopology } from './sentinel.js'
import type { Topology } from './topology.js'

/** The servers of one URL. */
export type Servers = Readonly<{
  topology: Topology
  dialing: Dialing
  /** Absent where they are no cluster. */
  readMap?: () => Promise<SlotMap>
  /** Later connections authenticate as this connection says. */
  authenticateAs(connection: RedisConnection): void
}>

type Parts = Readonly<{
  connection: RedisConnection
  log: Pick<Logger, 'warn'>
  maxStalenessMs: number
}>

export function openServers({ connection, log, maxStalenessMs }: Parts): Servers {
  const dialing = createDialing(connection)
  const authenticateAs = ({ credentials }: RedisConnection) => dialing.authenticateAs(credentials)
  switch (connection.topology.kind) {
    case 'plain':
      return { dialing, authenticateAs, topology: plainTopology({ connection, dialing, log }) }
    case 'cluster': {
      const readMap = createMapReader({ nodes: connection.nodes, dialing })
      return { dialing, authenticateAs, topology: clusterTopology(readMap), readMap }
    }
    case 'sentinel': {
      const ofSentinels = createDialing(asSentinels(connection))
      const { primaryName } = connection.topology
      const sentinels = connection.nodes.map((node) => connectTo(node, ofSentinels, log))
      return {
        dialing,
        authenticateAs(next) {
          authenticateAs(next)
          ofSentinels.authenticateAs(asSentinels(next).credentials)
        },
        topology: sentinelTopology({ primaryName, sentinels, maxAgeMs: maxStalenessMs / 2 }),
      }
    }
  }
}

/** How to connect to sentinels, which have users of their own and no databases. */
const asSentinels = (connection: RedisConnection) => ({
  ...connection,
  credentials: connection.sentinelCredentials ?? {},
  database: 0,
})

/** A connection to one sentinel. While the others are a majority, its loss is a warning. */
const connectTo = (node: RedisNode, dialing: Dialing, log: Parts['log']) =>
  connectRedis({
    target: {
      optionsFor: dialing.optionsFor,
      addressOfPrimary: async () => node,
      check: async (client) => void (await client.ping()),
    },
    password: dialing.password,
    reporter: sentinelReporter(addressOf(node), log),
    onReconnect: () => undefined,
  })

/** Logs each kind of trouble once, until the sentinel answers again. */
function sentinelReporter(address: string, log: Parts['log']): LinkReporter {
  const logged = new Set<string>()
  return {
    connected: () => logged.clear(),
    reconnecting: () => undefined,
    failed(error) {
      const cause = errorText(error)
      if (!logged.has(cause)) log.warn({ address, cause }, 'cannot reach a sentinel')
      logged.add(cause)
    },
  }
}
