import type { AuditTrail } from '../audit/trail.js'
import type { FeedLog } from '../feed/feed-source.js'
import type { Commit, CommitResult, Preconditions } from '../revocation/commit.js'
import { covers, isRevokedBy, merge, valueOf, type Entry } from '../revocation/entry.js'
import { cautiousTime, clockOf } from '../runtime/clock.js'
import { startSweeper } from '../runtime/sweeper.js'
import { toKeyv, type CommitValue, type KeyvStoreAdapter } from './keyv.js'
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
  const isLive = ({ untilMs }: Entry) => untilMs === null || untilMs > now()
  const find = (name: string): Entry | undefined => {
    const entry = held.get(name)
    return entry !== undefined && isLive(entry) ? entry : undefined
  }
  const textOf = (name: string) => {
    const entry = find(name)
    return entry && String(valueOf(entry))
  }
  const feed = createMemoryFeed(now, () => [...held.values()])
  const stopSweeping = sweepExpired(held, cautiousTime(clockOf(now)))

  const add = (entry: Entry) => {
    const name = keyPrefix + entry.key
    const before = find(name)
    if (covers(before, entry)) return
    const merged = before === undefined ? entry : merge(before, entry)
    held.set(name, merged)
    feed.append(merged)
  }
  const isRevoked = ({ keys, issuedAtS, isKnownRevoked }: Preconditions) =>
    isKnownRevoked ||
    keys.some((key) => {
      const entry = find(keyPrefix + key)
      return isRevokedBy(key, entry && valueOf(entry), issuedAtS)
    })
  // This store counts no requests, since no other instance shares its counts: the limiter counts in
  // its own memory.
  const commit = async ({ entries, auditEvent, preconditions, rateLimit }: Commit) => {
    if (rateLimit !== undefined) return result('not_executed')
    if (preconditions !== undefined && isRevoked(preconditions)) return result('already_revoked')
    entries.forEach(add)
    if (auditEvent !== '') await trail.append(auditEvent)
    return result('stored')
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

const result = (outcome: CommitResult['outcome']): CommitResult => ({ outcome })

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
