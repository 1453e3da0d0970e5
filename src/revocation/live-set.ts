import type { RevocationKey } from '../token/keys.js'
import { valueOf, type Entry, type Value } from './entry.js'
import {
  appendRecord,
  createHashIndex,
  createSeeds,
  findRecord,
  hashOf,
  recordWords,
  removeRecord,
  shrinkIndex,
  type HashIndex,
  type Seeds,
} from './hash-index.js'
import { kindOf, neverS, packKey, packValue, untilSOf, wordsPerEntry } from './packed-entry.js'

/**
 * Every live revocation, in memory, for the service and the guard alike. Adding a key again, in any
 * order, keeps the later expiry and the later cutoff.
 */
export type LiveSet = {
  add(entry: Entry): void
  /** As `add`, for the first four words of `key`, and the words 4 to 6 of a packed entry. */
  addPacked(key: Uint32Array, untilS: number, kind: number, value: number): void
  /** The value under a key; `undefined` when it is absent or has expired. */
  find(key: RevocationKey): Value | undefined
  /** As `find`, for the packed key at `words[start]`: its value, or -1. */
  findPacked(words: Uint32Array, start: number): number
  /** Whether the entry is there, with an expiry (in whole seconds) and cutoff at least as late. */
  covers(entry: Entry): boolean
  /** Number of entries, including those that have expired and are not swept yet. */
  size(): number
  /** Bytes of memory that the entries take. */
  bytes(): number
  iterate(): Iteration
  /** Looks at up to `budget` entries, and removes those that have expired. */
  sweep(budget: number): void
}

/**
 * Fills `target` with whole packed entries and returns how many; 0 is the end. An entry that is
 * there when the iteration begins and does not expire meanwhile is returned at least once, whatever
 * is added and removed in between.
 */
export type Iteration = (target: Uint32Array) => number

type Clock = () => number

/** The top eight bits of a hash choose the partition. */
const partitionCount = 256

/**
 * Many small indexes instead of one, so that an index that grows rebuilds only itself. At a million
 * entries an addition that makes its index grow takes 0.06 ms; in a single index it takes 46 ms.
 */
const createPartitions = (seeds: Seeds): readonly HashIndex[] =>
  Array.from({ length: partitionCount }, () => createHashIndex(seeds))

const isExpired = (untilS: number, nowMs: number) => untilS !== neverS && untilS * 1000 <= nowMs

/** Keeps the later expiry and the larger value. */
function merge(records: Uint32Array, start: number, untilS: number, value: number): void {
  if (untilS > records[start + 4]!) records[start + 4] = untilS
  if (value > records[start + 5]!) records[start + 5] = value
}

/** Copies word by word, in 30 ns; through a view made by `subarray` it takes 85 ns. */
function copyEntry({ records, kinds }: HashIndex, record: number, to: Uint32Array, at: number) {
  const start = record * recordWords
  for (let word = 0; word < 5; word += 1) to[at + word] = records[start + word]!
  to[at + 5] = kinds[record]!
  to[at + 6] = records[start + 5]!
}

/** Walks downwards: a removal moves the last record, which the iteration has already visited. */
function iterate(partitions: readonly HashIndex[], now: Clock): Iteration {
  let partition = 0
  let record = partitions[0]!.count
  return (target) => {
    const nowMs = now()
    let filled = 0
    while (partition < partitionCount && (filled + 1) * wordsPerEntry <= target.length) {
      const index = partitions[partition]!
      record = Math.min(record, index.count) - 1
      if (record < 0) {
        partition += 1
        record = partitions[partition]?.count ?? 0
        continue
      }
      if (isExpired(index.records[record * recordWords + 4]!, nowMs)) continue
      copyEntry(index, record, target, filled * wordsPerEntry)
      filled += 1
    }
    return filled
  }
}

function createSweep(partitions: readonly HashIndex[], now: Clock): LiveSet['sweep'] {
  let partition = 0
  let record = partitions[0]!.count
  return (budget) => {
    const nowMs = now()
    for (let left = budget; left > 0; left -= 1) {
      const index = partitions[partition]!
      record = Math.min(record, index.count) - 1
      if (record >= 0) {
        const untilS = index.records[record * recordWords + 4]!
        if (isExpired(untilS, nowMs)) removeRecord(index, record)
        continue
      }
      shrinkIndex(index)
      partition = (partition + 1) % partitionCount
      record = partitions[partition]!.count
    }
  }
}

/**
 * The kinds that were added so far. A service without sessions or cutoffs skips the search for
 * them: 80 ns instead of 265 ns for a key of a kind that was never added.
 */
function createAddedKinds() {
  const added = new Uint8Array(0x80)
  return {
    add(kind: number): void {
      added[kind] = 1
    },
    has: (kind: number): boolean => added[kind] === 1,
  }
}

export function createLiveSet(now: Clock): LiveSet {
  const seeds = createSeeds()
  const partitions = createPartitions(seeds)
  const addedKinds = createAddedKinds()

  const addPacked = (key: Uint32Array, untilS: number, kind: number, value: number) => {
    addedKinds.add(kind)
    const hash = hashOf(seeds, key, 0)
    const index = partitions[hash >>> 24]!
    let record = findRecord(index, hash, key, 0)
    if (record === -1) record = appendRecord(index, key, 0)
    index.kinds[record] = kind
    merge(index.records, record * recordWords, untilS, value)
  }
  const findPacked = (words: Uint32Array, start: number) => {
    const hash = hashOf(seeds, words, start)
    const index = partitions[hash >>> 24]!
    const record = findRecord(index, hash, words, start)
    if (record === -1) return -1
    const found = record * recordWords
    return isExpired(index.records[found + 4]!, now()) ? -1 : index.records[found + 5]!
  }
  return {
    add(entry) {
      const { key, untilMs } = entry
      addPacked(packKey(key), untilSOf(untilMs), kindOf(key), packValue(valueOf(entry)))
    },
    addPacked,
    find(key) {
      if (!addedKinds.has(kindOf(key))) return undefined
      const value = findPacked(packKey(key), 0)
      return value === -1 ? undefined : value
    },
    findPacked,
    covers(entry) {
      const words = packKey(entry.key)
      const hash = hashOf(seeds, words, 0)
      const index = partitions[hash >>> 24]!
      const record = findRecord(index, hash, words, 0)
      if (record === -1) return false
      const start = record * recordWords
      return (
        index.records[start + 4]! >= untilSOf(entry.untilMs) &&
        index.records[start + 5]! >= packValue(valueOf(entry))
      )
    },
    size: () => partitions.reduce((sum, { count }) => sum + count, 0),
    bytes: () =>
      partitions.reduce(
        (sum, { records, kinds, slots }) =>
          sum + records.byteLength + kinds.byteLength + slots.byteLength,
        0,
      ),
    iterate: () => iterate(partitions, now),
    sweep: createSweep(partitions, now),
  }
}
