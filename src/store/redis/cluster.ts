import { addressOf } from '../../runtime/network-address.js'
import type { RedisNode } from '../../config/redis.js'
import { keyPrefix, layoutKey } from '../names.js'
import type { RedisClient } from './client.js'
import { askOnce } from './connection-attempt.js'
import type { Dialing } from './dialing.js'
import { slotOf } from './slots.js'
import {
  collectUntil,
  mostFrequent,
  questionMs,
  serverAt,
  requirePrimary,
  shared,
  type Topology,
} from './topology.js'

/** The slot of every key of cierre. */
export const tagSlot = slotOf(keyPrefix)

export type ClusterNode = RedisNode & Readonly<{ id: string }>

/** Consecutive slots, and their nodes, the primary first. */
type SlotRange = Readonly<{ from: number; to: number; nodes: readonly ClusterNode[] }>

export type SlotMap = readonly SlotRange[]

export const ownerOf = (map: SlotMap, slot: number): ClusterNode | undefined =>
  map.find(({ from, to }) => from <= slot && slot <= to)?.nodes[0]

/** The primary of the slot that has the revocations. */
export function clusterTopology(readMap: () => Promise<SlotMap>): Topology {
  return {
    async addressOfPrimary() {
      const owner = ownerOf(await readMap(), tagSlot)
      if (owner === undefined) throw new Error(`no node of the cluster has slot ${tagSlot}`)
      return owner
    },
    async check(client) {
      await requirePrimary(client)
      // `MOVED` when the node does not have the slot, `CLUSTERDOWN` when it is cut off.
      await client.exists(layoutKey)
    },
    close: () => undefined,
  }
}

type Parts = Readonly<{ nodes: readonly RedisNode[]; dialing: Pick<Dialing, 'optionsFor'> }>

/**
 * Reads the map that most nodes answer. All nodes are asked that the URL has or that the last map
 * had, since any of them may be down, or cut off with an old map.
 *
 * @throws (the function) Error when no node answers
 */
export function createMapReader({ nodes, dialing }: Parts): () => Promise<SlotMap> {
  let known = byAddress(nodes)
  return shared(async () => {
    const map = await askForMap({ nodes: [...known.values()], dialing })
    known = byAddress([...nodes, ...map.flatMap((range) => range.nodes)])
    return map
  })
}

const askForMap = ({ nodes, dialing }: Parts): Promise<SlotMap> =>
  collectUntil(
    nodes.map((node) => askForSlots(node, dialing)),
    (maps, isAll) => mostOf(maps, isAll ? 1 : Math.floor(nodes.length / 2) + 1),
    'no node of the cluster says which one has the revocations',
  )

const askForSlots = (node: RedisNode, { optionsFor }: Parts['dialing']) =>
  askOnce(serverAt(node, optionsFor), (client) => readSlots(client, node), questionMs)

const byAddress = (nodes: readonly RedisNode[]) =>
  new Map(nodes.map((node) => [addressOf(node), node]))

function mostOf(maps: readonly SlotMap[], least: number): SlotMap | undefined {
  const texts = maps.map(primariesOf)
  const { value, count } = mostFrequent(texts)
  return count >= least ? maps[texts.indexOf(value ?? '')] : undefined
}

const primariesOf = (map: SlotMap): string =>
  map
    .map(({ from, to, nodes: [primary] }) => `${from}-${to} ${primary && addressOf(primary)}`)
    .sort()
    .join()

type SlotReply = [
  from: number,
  to: number,
  ...nodes: [host: string | null, port: number, id: string][],
]

/** @param node the node that is asked: it may not know its own host */
export async function readSlots(client: RedisClient, node: RedisNode): Promise<SlotMap> {
  const ranges = await client.sendCommand<SlotReply[]>(['CLUSTER', 'SLOTS'])
  return ranges.map(([from, to, ...nodes]) => ({
    from,
    to,
    nodes: nodes.map(([host, port, id]) => ({ host: host || node.host, port, id })),
  }))
}
