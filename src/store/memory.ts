import { createMemoryFeed } from './memory-feed.js'
import { decodeKey, type RevocationKey } from '../token/keys.js'
import { startSweeper } from '../runtime/sweeper.js'
import {
  entryWith,
  isRevokedBy,
  laterOf,
  valueOf,
  type Entry,
  type Value,
} from '../revocation/entry.js'
import type { Commit, Committed } from '../revocation/commit.js'
import type { AuditTrail } from '../audit/trail.js'

type Held = { untilMs: number | null; mark: Value }

/**
 * The embedded store, as a Keyv adapter with the rule of the Redis commit: an expiry only lengthens, a mark only rises. Expired
 * entries leave by themselves, some at a time, so that a large set never holds up a request. A restart forgets everything.
 */
export function createMemoryAdapter({
  now,
  keyPrefix,
  trail,
}: {
  now: () => number
  keyPrefix: string
  trail: Pick<AuditTrail, 'append'>
}) {
  const held = new Map<string, Held>()
  const isLive = ({ untilMs }: Held) => untilMs === null || untilMs > now()
  const entryOf = (key: string, { untilMs, mark }: Held): Entry | undefined => {
    const name = decodeKey(key.slice(keyPrefix.length))
    return name && entryWith(name, untilMs, mark)
  }
  const feed = createMemoryFeed(now, () =>
    [...held].flatMap(([key, entry]) => entryOf(key, entry) ?? []),
  )
  let sweeping = held.entries()
  const stopSweeping = startSweeper((budget) => {
    for (let seen = 0; seen < budget; seen += 1) {
      const next = sweeping.next()
      if (next.done) {
        sweeping = held.entries()
        return
      }
      const [key, entry] = next.value
      if (!isLive(entry)) held.delete(key)
    }
  })

  const get = (key: string) => {
    const entry = held.get(key)
    return entry !== undefined && isLive(entry) ? String(entry.mark) : undefined
  }
  const merge = (entry: Entry) => {
    const { untilMs } = entry
    const mark = valueOf(entry)
    const before = held.get(keyPrefix + entry.key)
    const merged =
      before === undefined || !isLive(before)
        ? { untilMs, mark }
        : {
            untilMs: laterOf(before.untilMs, untilMs),
            mark: Math.max(before.mark, mark),
          }
    held.set(keyPrefix + entry.key, merged)
    feed.append(entryWith(entry.key, merged.untilMs, merged.mark))
  }
  const isKilling = (key: RevocationKey, issuedAtS: number | undefined) => {
    const mark = get(keyPrefix + key)
    return isRevokedBy(key, mark === undefined ? undefined : Number(mark), issuedAtS)
  }
  // Nothing is counted here: there is no other instance to count with.
  const commit = async ({ entries, event, terms }: Commit): Promise<Committed> => {
    if (terms?.window !== undefined) return { became: 'not_executed' }
    if (
      terms !== undefined &&
      (terms.isRevoked || terms.keys.some((key) => isKilling(key, terms.issuedAtS)))
    )
      return { became: 'already_revoked' }
    entries.forEach(merge)
    if (event !== '') await trail.append(event)
    return { became: 'stored' }
  }
  return {
    feed: feed.log,
    opts: { dialect: 'memory' },
    namespace: undefined,
    on: () => undefined,
    readEntry: async (key: string) => {
      const entry = held.get(key)
      return entry !== undefined && isLive(entry)
        ? { mark: String(entry.mark), untilMs: entry.untilMs }
        : undefined
    },
    get: async (key: string) => get(key),
    getMany: async (keys: string[]) => keys.map(get),
    set: async (_key: string, value: Commit) => void (await commit(value)),
    setMany: (values: { key: string; value: Commit }[]) =>
      Promise.all(values.map(({ value }) => commit(value))),
    delete: async (key: string) => held.delete(key),
    clear: async () => held.clear(),
    disconnect: async () => stopSweeping(),
  }
}
