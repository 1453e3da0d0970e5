import { addressOf } from '../../runtime/network-address.js'
import type { RedisNode } from '../../config/redis.js'
import { ownerOf, type SlotMap } from './cluster.js'
import type { RedisLink } from './connection.js'
import { slotOf } from './slots.js'

/** Deletes keys. Answers how many there were. */
export type Unlink = (keys: readonly string[]) => Promise<number>

type Parts = Readonly<{
  readMap: () => Promise<SlotMap>
  connectTo: (node: RedisNode) => RedisLink
}>

/** Deletes keys in any slot of a cluster, over one connection to each primary that has some. */
export function createClusterUnlink({ readMap, connectTo }: Parts): Unlink {
  const links = new Map<string, RedisLink>()
  let map: SlotMap | undefined
  const refresh = async () => {
    map = await readMap()
    const primaries = new Set(map.flatMap(({ nodes: [primary] }) => primary && addressOf(primary)))
    for (const [address, link] of links) {
      if (primaries.has(address)) continue
      link.close()
      links.delete(address)
    }
    return map
  }
  const linkTo = (node: RedisNode) => {
    const address = addressOf(node)
    const link = links.get(address) ?? connectTo(node)
    links.set(address, link)
    return link
  }
  const unlink: Unlink = async (keys) => {
    const owners = map ?? (await refresh())
    const counts = keys.map(async (key) => {
      const owner = ownerOf(owners, slotOf(key))
      if (owner === undefined) throw new Error(`no node of the cluster has slot ${slotOf(key)}`)
      const link = linkTo(owner)
      await link.firstAttempt
      return link.run((client) => client.unlink(key))
    })
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  }
  return async (keys) => {
    try {
      return await unlink(keys)
    } catch {
      // The map may be old. To delete what has been deleted does no harm.
      map = undefined
      return unlink(keys)
    }
  }
}
