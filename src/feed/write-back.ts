import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Entry } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { unpackEntry, wordsPerEntry } from '../revocation/packed-entry.js'

/** Entries that are written back to a store that lost them, portion by portion. */
export type EntrySource = Readonly<{
  /** How many there are, about. */
  size: number
  /** The next portion, which stays the same until `stored` is called; empty at the end. */
  next(): readonly Entry[]
  /** The portion of `next` is stored. */
  stored(): void
}>

const portionEntries = 20_000
/** One command: it keeps Redis from others for some milliseconds. */
const batchEntries = 500
/** The store works on some, while this instance makes the next one. */
const batchesAtOnce = 4

/** Everything that a live set holds. */
export function everyEntryOf(liveSet: LiveSet): EntrySource {
  const iterate = liveSet.iterate()
  const words = new Uint32Array(portionEntries * wordsPerEntry)
  let portion: readonly Entry[] = []
  return {
    size: liveSet.size(),
    next() {
      if (portion.length === 0)
        portion = Array.from({ length: iterate(words) }, (_, index) =>
          unpackEntry(words, index * wordsPerEntry),
        )
      return portion
    },
    stored: () => void (portion = []),
  }
}

export function entriesOf(entries: readonly Entry[]): EntrySource {
  let rest = entries
  return {
    size: entries.length,
    next: () => rest.slice(0, portionEntries),
    stored: () => void (rest = rest.slice(portionEntries)),
  }
}

/**
 * Stores a portion in batches, several at a time.
 *
 * @param store stores a batch, in a time that it limits
 * @throws what `store` throws, once no batch is under way any more; the reason of the signal
 */
export async function storePortion(
  portion: readonly Entry[],
  store: (batch: readonly Entry[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = []
  let start = 0
  const work = async (turns: number) => {
    // The store makes one command of what it gets in one turn of the event loop, and could not work
    // on one batch while the next is made.
    for (let turn = 0; turn < turns; turn += 1) await endOfTurn()
    while (start < portion.length && failures.length === 0 && !signal.aborted) {
      const batch = portion.slice(start, (start += batchEntries))
      await store(batch).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, (_, turns) => work(turns)))
  signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
