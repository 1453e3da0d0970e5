import type { AuditTrail } from '../audit/trail.js'
import type { FeedLog } from '../feed/feed-source.js'
import { isStored, type Commit, type CommitResult } from '../revocation/commit.js'
import { valueOf, type Entry } from '../revocation/entry.js'
import { cautiousTime, clockOf } from '../runtime/clock.js'
import { startSweeper } from '../runtime/sweeper.js'
import { toKeyv, type CommitValue, type KeyvStoreAdapter } from './keyv.js'
import { createMemoryEntries } from './memory-entries.js'
import { createMemoryFeed } from './memory-feed.js'
import type { EntryReader } from './store.js'

type MemoryParts = Readonly<{
  now: () => number
  keyPrefix: string
  trail: Pick<AuditTrail, 'append'>
}>

export type MemoryAdapter = Readonly<{
  adapter: KeyvStoreAdapter
  readEntry: EntryReader
  feed: FeedLog
  close(): void
}>

/** The embedded store, with the rules of the Redis commit. A restart forgets everything. */
export function createMemoryAdapter({ now, keyPrefix, trail }: MemoryParts): MemoryAdapter {
  const held = new Map<string, Entry>()
  const feed = createMemoryFeed(now, () => [...held.values()])
  const { find, ...rules } = createMemoryEntries({ held, keyPrefix, now, append: feed.append })
  const textOf = (name: string) => {
    const entry = find(name)
    return entry && String(valueOf(entry))
  }
  const stopSweeping = sweepExpired(held, cautiousTime(clockOf(now)))

  const commit = async (one: Commit): Promise<CommitResult> => {
    const result = rules.commit(one)
    if (isStored(result.outcome) && one.auditEvent !== '') await trail.append(one.auditEvent)
    return result
  }
  const setMany = async (values: CommitValue[]) =>
    toKeyv(await Promise.all(values.map(({ value }) => commit(value))))
  const adapter: KeyvStoreAdapter = {
    opts: { dialect: 'memory' },
    on: () => adapter,
    get: async <Value>(key: string) => textOf(key) as Value | undefined,
    getMany: async <Value>(keys: string[]) => keys.map(textOf) as (Value | undefined)[],
    set: (key: string, value: Commit) => setMany([{ key, value }]),
    setMany,
    delete: async (key) => held.delete(key),
    clear: async () => held.clear(),
  }
  return {
    adapter,
    readEntry: async (name) => {
      const entry = find(name)
      return entry && { value: String(valueOf(entry)), untilMs: entry.untilMs }
    },
    feed: feed.log,
    close: stopSweeping,
  }
}

/** A clock may be set back by up to a second without notice. */
const keptLongerMs = 2_000

/**
 * Removes expired entries, some at a time, so that a large set does not hold up requests. What only
 * the wall clock calls expired stays: it is found again when that clock is set back.
 */
function sweepExpired(held: Map<string, Entry>, cautiousNow: () => number): () => void {
  let entries = held.entries()
  return startSweeper((budget) => {
    const nowMs = cautiousNow() - keptLongerMs
    for (let seen = 0; seen < budget; seen += 1) {
      const next = entries.next()
      if (next.done) {
        entries = held.entries()
        return
      }
      const [name, { untilMs }] = next.value
      if (untilMs !== null && untilMs <= nowMs) held.delete(name)
    }
  })
}
