import { coversLife, laterOf, type Entry } from '../revocation/entry.js'

/** Entries that this instance has stored, and whose events it has not met in the feed yet. */
export type UnconfirmedWrites = {
  /**
   * Remembers an entry that was stored while the read `round` of the feed was the last that had
   * been begun.
   */
  add(entry: Entry, round: number): void
  /**
   * Confirms what the store is seen to hold: an event of the feed, or an entry that a scan met.
   *
   * @param toleranceMs by how much an expiry may fall short that was computed from a remaining time
   */
  confirm(held: Entry, toleranceMs?: number): void
  /**
   * What the store lacks, when the read `round` has come to the end of the feed: what was stored
   * before it was begun, and has not expired.
   */
  missing(round: number): Entry[]
  size(): number
}

/**
 * Cutoff and life are confirmed each by itself: of two writes, one may have raised the one and the
 * other lengthened the other.
 */
type Write = { entry: Entry; round: number; lacksCutoff: boolean; lacksLife: boolean }

/** What is still to be confirmed once `entry` is stored, too. */
function join(before: Write, { key, untilMs, cutoff }: Entry): Entry {
  const lastCutoff = before.lacksCutoff ? Math.max(before.entry.cutoff ?? 0, cutoff ?? 0) : cutoff
  return {
    key,
    untilMs: before.lacksLife ? laterOf(before.entry.untilMs, untilMs) : untilMs,
    ...(cutoff !== undefined && { cutoff: lastCutoff ?? cutoff }),
  }
}

/** @param most entries that are remembered; while there are so many, further ones are not */
export function createUnconfirmedWrites({
  most,
  now,
}: {
  most: number
  now: () => number
}): UnconfirmedWrites {
  // In the order of their rounds, so that the first one tells whether any is old.
  const writes = new Map<string, Write>()
  return {
    add(entry, round) {
      const before = writes.get(entry.key)
      if (before === undefined && writes.size >= most) return
      writes.delete(entry.key)
      writes.set(entry.key, {
        entry: before === undefined ? entry : join(before, entry),
        round,
        lacksCutoff: true,
        lacksLife: true,
      })
    },
    confirm(held, toleranceMs) {
      const write = writes.get(held.key)
      if (write === undefined) return
      if ((held.cutoff ?? 0) >= (write.entry.cutoff ?? 0)) write.lacksCutoff = false
      if (coversLife(held, write.entry, toleranceMs)) write.lacksLife = false
      if (!write.lacksCutoff && !write.lacksLife) writes.delete(held.key)
    },
    missing(round) {
      const missing: Entry[] = []
      for (const { entry, round: storedIn } of writes.values()) {
        if (storedIn >= round) break
        if (entry.untilMs !== null && entry.untilMs <= now()) writes.delete(entry.key)
        else missing.push(entry)
      }
      return missing
    },
    size: () => writes.size,
  }
}
