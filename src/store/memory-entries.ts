import type { Commit, CommitResult, Preconditions } from '../revocation/commit.js'
import { covers, isRevokedBy, merge, valueOf, type Entry } from '../revocation/entry.js'

type Parts = Readonly<{
  /** The entries by their names: `keyPrefix` and the key. */
  held: Map<string, Entry>
  keyPrefix: string
  now: () => number
  /** Appends an event to the feed. */
  append: (entry: Entry) => void
}>

/** The rules of the Redis commit for entries in memory, without the count of requests. */
export function createMemoryEntries({ held, keyPrefix, now, append }: Parts) {
  const isLive = ({ untilMs }: Entry) => untilMs === null || untilMs > now()
  const find = (name: string): Entry | undefined => {
    const entry = held.get(name)
    return entry !== undefined && isLive(entry) ? entry : undefined
  }
  const add = (entry: Entry) => {
    const name = keyPrefix + entry.key
    const before = find(name)
    if (covers(before, entry)) return
    const merged = before === undefined ? entry : merge(before, entry)
    held.set(name, merged)
    append(merged)
  }
  const isRevoked = ({ keys, issuedAtS, isKnownRevoked }: Preconditions) =>
    isKnownRevoked ||
    keys.some((key) => {
      const entry = find(keyPrefix + key)
      return isRevokedBy(key, entry && valueOf(entry), issuedAtS)
    })
  return {
    /** The entry under a name, unless it has expired. */
    find,
    commit({ entries, preconditions, rateLimit }: Commit): CommitResult {
      // This store counts no requests, since no other instance shares its counts: the limiter counts
      // in its own memory.
      if (rateLimit !== undefined) return { outcome: 'not_executed' }
      if (preconditions !== undefined && isRevoked(preconditions))
        return { outcome: 'already_revoked' }
      entries.forEach(add)
      return { outcome: 'stored' }
    },
  }
}
