import { coversLife, laterOf, type Entry } from '../revocation/entry.js'

/** Entries that this instance has stored, and whose events it has not seen in the feed yet. */
export type UnconfirmedWrites = {
  /** Remembers an entry that was stored when `round` was the latest read of the feed. */
  add(entry: Entry, round: number): void
  /**
   * The store holds this entry: an event of the feed, or a scan, has shown it. It confirms what a
   * merge with it would not change.
   */
  confirm(held: Entry): void
  /**
   * The entries that the store lacks, once read `round` has come to the end of the feed: those that
   * were stored before that read began and have not expired.
   */
  missing(round: number): Entry[]
  size(): number
}

/**
 * Cutoff and life are confirmed separately: one write may raise the cutoff, and another write of
 * the same key lengthen the life.
 */
type Write = { entry: Entry; round: number; lacksCutoff: boolean; lacksLife: boolean }

/** What has to be confirmed under a key after `entry` has been stored, too. */
function merged(before: Write, { key, untilMs, cutoff }: Entry): Entry {
  const lastCutoff = before.lacksCutoff ? Math.max(before.entry.cutoff ?? 0, cutoff ?? 0) : cutoff
  return {
    key,
    untilMs: before.lacksLife ? laterOf(before.entry.untilMs, untilMs) : untilMs,
    ...(cutoff !== undefined && { cutoff: lastCutoff ?? cutoff }),
  }
}

/** @param most the largest number of entries that are remembered; further entries are ignored */
export function createUnconfirmedWrites({
  most,
  now,
}: {
  most: number
  now: () => number
}): UnconfirmedWrites {
  // In the order of their rounds: `missing` stops at the first one that is too new.
  const writes = new Map<string, Write>()
  return {
    add(entry, round) {
      const before = writes.get(entry.key)
      if (before === undefined && writes.size >= most) return
      writes.delete(entry.key)
      writes.set(entry.key, {
        entry: before === undefined ? entry : merged(before, entry),
        round,
        lacksCutoff: true,
        lacksLife: true,
      })
    },
    confirm(held) {
      const write = writes.get(held.key)
      if (write === undefined) return
      if ((held.cutoff ?? 0) >= (write.entry.cutoff ?? 0)) write.lacksCutoff = false
      if (coversLife(held, write.entry)) write.lacksLife = false
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
