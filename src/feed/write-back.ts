import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { unpackEntry, wordsPerEntry } from '../revocation/packed-entry.js'

/** Entries that are written back to a store that lost them, batch by batch. */
export type EntrySource = Readonly<{
  /** How many there are, about. */
  size: number
  /** The next batch, which stays the same until `stored` is called; empty at the end. */
  next(): readonly Entry[]
  /** The batch of `next` is stored. */
  stored(): void
}>

const batchEntries = 500

/** Everything that a live set holds. */
export function everyEntryOf(liveSet: LiveSet): EntrySource {
  const iterate = liveSet.iterate()
  const words = new Uint32Array(batchEntries * wordsPerEntry)
  let batch: readonly Entry[] = []
  return {
    size: liveSet.size(),
    next() {
      if (batch.length === 0)
        batch = Array.from({ length: iterate(words) }, (_, index) =>
          unpackEntry(words, index * wordsPerEntry),
        )
      return batch
    },
    stored: () => void (batch = []),
  }
}

export function entriesOf(entries: readonly Entry[]): EntrySource {
  let rest = entries
  return {
    size: entries.length,
    next: () => rest.slice(0, batchEntries),
    stored: () => void (rest = rest.slice(batchEntries)),
  }
}
