import type { Entry, Value } from './entry.js'
import { base64url, type RevocationKey } from '../token/keys.js'

/**
 * The live set in memory, the same in the service and in the guard. It only grows until expiry: what is added twice, in any order, is
 * there once, with the longer life and the later cutoff.
 */
export type LiveSet = {
  add(entry: Entry): void
  /** As `add`, for what is in numbers already: `key` as `keyWords` gives it, expiry in epoch seconds, and the kind or cutoff. */
  addWords(key: Uint32Array, untilS: number, tag: number): void
  /** The mark under a key, for `u:` the cutoff; `undefined` when it is not there or has expired. */
  find(key: RevocationKey): Value | undefined
  /** Whether the entry is there, with at least its life in whole seconds, rounded up, and its cutoff. */
  covers(entry: Entry): boolean
  /** As `find`, for the words at `at`; -1 when it is not there. */
  findWords(words: Uint32Array, at: number): number
  /** Entries that are held, those included that have expired and have not left yet. */
  size(): number
  /** Memory that is taken for them, in bytes. */
  bytes(): number
  /**
   * A pass over everything that is live now: each call fills `target` with whole entries of `entryWords` words and says how many. What
   * is there when the pass begins and does not expire meanwhile is met at least once, whatever is added and removed in between; 0 is the end.
   */
  pass(): (target: Uint32Array) => number
  /** Lets entries go that have expired, looking at `budget` of them. */
  sweep(budget: number): void
}

/** Four words of key, the expiry in epoch seconds, and the tag. */
export const entryWords = 6
/** The expiry of what never expires. */
export const neverS = 0xffffffff
/** Kinds by tag; anything from `leastCutoff` is a `u:` and its cutoff in epoch seconds. */
const kinds = ['t', 's', 'j'] as const
const leastCutoff = kinds.length

const wordsOfKey = new Uint32Array(4)
/** By character code: the six bits that a character of base64url stands for. */
const sextets = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, base64url.indexOf(String.fromCharCode(code))),
)

const sextet = (key: RevocationKey, at: number) => sextets[key.charCodeAt(2 + at)]!
const threeBytes = (key: RevocationKey, at: number) =>
  (sextet(key, at) << 18) |
  (sextet(key, at + 1) << 12) |
  (sextet(key, at + 2) << 6) |
  sextet(key, at + 3)

/** The 16 bytes of a key as four big-endian words, in an array that the next call fills again. */
export function keyWords(key: RevocationKey): Uint32Array {
  const b = threeBytes(key, 4)
  const c = threeBytes(key, 8)
  wordsOfKey[0] = (threeBytes(key, 0) << 8) | (b >>> 16)
  wordsOfKey[1] = (b << 16) | (c >>> 8)
  wordsOfKey[2] = (c << 24) | threeBytes(key, 12)
  wordsOfKey[3] = (threeBytes(key, 16) << 8) | (sextet(key, 20) << 2) | (sextet(key, 21) >>> 4)
  return wordsOfKey
}

/** Whole seconds, rounded up: an entry may stay longer, never shorter. */
export const untilSOf = (untilMs: number | null) =>
  untilMs === null ? neverS : Math.min(neverS, Math.max(0, Math.ceil(untilMs / 1000)))

export function tagOf(key: RevocationKey, cutoff = 0): number {
  const kind = kindOf(key)
  return kind === leastCutoff ? Math.min(0xffffffff, Math.max(leastCutoff, cutoff)) : kind
}

/** The number of a kind; that of `u:` is `leastCutoff`. */
function kindOf(key: RevocationKey): number {
  const kind = kinds.indexOf(key.charAt(0) as 't' | 's' | 'j')
  return kind === -1 ? leastCutoff : kind
}

/** The entry at a place of what `pass` filled. */
export function entryAt(words: Uint32Array, at: number): Entry {
  const bytes = Buffer.alloc(16)
  for (let word = 0; word < 4; word += 1) bytes.writeUInt32BE(words[at + word]!, 4 * word)
  const untilS = words[at + 4]!
  const tag = words[at + 5]!
  const key: RevocationKey = `${kinds[tag] ?? 'u'}:${bytes.toString('base64url')}`
  return {
    key,
    untilMs: untilS === neverS ? null : untilS * 1000,
    ...(tag >= leastCutoff && { cutoff: tag }),
  }
}

// Many small tables instead of one: each grows by itself, so that growing never takes long.
const shardCount = 256
const firstEntries = 8
const firstSlots = 16
/** A slot of the index holds the place of its entry plus one, 0 when it is free, and above that eight bits of the key. */
const placeBits = 24
const placeMask = 2 ** placeBits - 1
const mostLoad = 0.75

type Shard = { entries: Uint32Array; count: number; index: Uint32Array }

export function createLiveSet(now: () => number): LiveSet {
  const shards: Shard[] = Array.from({ length: shardCount }, () => ({
    entries: new Uint32Array(firstEntries * entryWords),
    count: 0,
    index: new Uint32Array(firstSlots),
  }))
  let size = 0
  /** The kinds that were ever added: many a service never has some of those that a token could be revoked by. */
  const isKnown = new Uint8Array(leastCutoff + 1)
  // Who does not know them cannot make keys that share a slot.
  const [mixA = 0, mixB = 0] = crypto.getRandomValues(new Uint32Array(2))
  const hash = (a: number, b: number) =>
    (Math.imul(a ^ mixA, 0x9e3779b1) ^ Math.imul(b ^ mixB, 0x85ebca6b)) >>> 0
  const homeOf = (hashed: number, slots: number) =>
    Math.floor(((hashed & 0xffffff) * slots) / 0x1000000)

  /** The place of a key in its shard, or -1. */
  const placeOf = (
    { entries, index }: Shard,
    hashed: number,
    words: Uint32Array,
    at: number,
  ): number => {
    const c = words[at + 2]!
    const bits = c >>> placeBits
    for (
      let slot = homeOf(hashed, index.length);
      ;
      slot = slot + 1 === index.length ? 0 : slot + 1
    ) {
      const value = index[slot]!
      if (value === 0) return -1
      if (value >>> placeBits !== bits) continue
      const start = ((value & placeMask) - 1) * entryWords
      if (
        entries[start] === words[at] &&
        entries[start + 1] === words[at + 1] &&
        entries[start + 2] === c &&
        entries[start + 3] === words[at + 3]
      ) {
        return (value & placeMask) - 1
      }
    }
  }
  const put = (index: Uint32Array, entries: Uint32Array, place: number) => {
    const start = place * entryWords
    let slot = homeOf(hash(entries[start]!, entries[start + 1]!), index.length)
    while (index[slot] !== 0) slot = slot + 1 === index.length ? 0 : slot + 1
    index[slot] = (((entries[start + 2]! >>> placeBits) << placeBits) | (place + 1)) >>> 0
  }
  const makeRoom = (shard: Shard) => {
    const { count, entries, index } = shard
    if (count >= placeMask - 1) throw new RangeError('too many revocations for this memory')
    if ((count + 1) * entryWords > entries.length) {
      shard.entries = new Uint32Array((count + Math.max(firstEntries, count >>> 3)) * entryWords)
      shard.entries.set(entries)
    }
    if (count + 1 > index.length * mostLoad) {
      shard.index = new Uint32Array(Math.ceil(index.length * 1.25))
      for (let place = 0; place < count; place += 1) put(shard.index, shard.entries, place)
    }
  }
  const slotOf = ({ entries, index }: Shard, place: number): number => {
    const start = place * entryWords
    let slot = homeOf(hash(entries[start]!, entries[start + 1]!), index.length)
    while ((index[slot]! & placeMask) !== place + 1) slot = slot + 1 === index.length ? 0 : slot + 1
    return slot
  }
  /** Frees a slot and moves up what would no longer be found behind it. */
  const free = ({ entries, index }: Shard, freed: number) => {
    const { length } = index
    for (
      let slot = freed + 1 === length ? 0 : freed + 1;
      index[slot] !== 0;
      slot = slot + 1 === length ? 0 : slot + 1
    ) {
      const start = ((index[slot]! & placeMask) - 1) * entryWords
      const home = homeOf(hash(entries[start]!, entries[start + 1]!), length)
      const stays = freed <= slot ? freed < home && home <= slot : freed < home || home <= slot
      if (stays) continue
      index[freed] = index[slot]!
      freed = slot
    }
    index[freed] = 0
  }
  /** The last entry takes the place of the one that leaves; `pass` counts on that. */
  const remove = (shard: Shard, place: number) => {
    const last = shard.count - 1
    free(shard, slotOf(shard, place))
    if (place !== last) {
      const slot = slotOf(shard, last)
      shard.entries.copyWithin(place * entryWords, last * entryWords, (last + 1) * entryWords)
      shard.index[slot] = ((shard.index[slot]! & ~placeMask) | (place + 1)) >>> 0
    }
    shard.count = last
    size -= 1
  }
  const shrink = (shard: Shard) => {
    const { count, entries, index } = shard
    if (entries.length < 2 * Math.max(firstEntries, count) * entryWords) return
    shard.entries = entries.slice(0, Math.max(firstEntries, count + (count >>> 3)) * entryWords)
    shard.index = new Uint32Array(
      Math.min(index.length, Math.max(firstSlots, Math.ceil((count + 1) / 0.6))),
    )
    for (let place = 0; place < count; place += 1) put(shard.index, shard.entries, place)
  }

  const addAt = (words: Uint32Array, at: number, untilS: number, tag: number) => {
    const hashed = hash(words[at]!, words[at + 1]!)
    const shard = shards[hashed >>> placeBits]!
    const place = placeOf(shard, hashed, words, at)
    if (place !== -1) {
      const start = place * entryWords
      if (untilS > shard.entries[start + 4]!) shard.entries[start + 4] = untilS
      if (tag > shard.entries[start + 5]!) shard.entries[start + 5] = tag
      return
    }
    makeRoom(shard)
    const start = shard.count * entryWords
    for (let word = 0; word < 4; word += 1) shard.entries[start + word] = words[at + word]!
    shard.entries[start + 4] = untilS
    shard.entries[start + 5] = tag
    put(shard.index, shard.entries, shard.count)
    shard.count += 1
    size += 1
  }
  const findWords = (words: Uint32Array, at: number) => {
    const hashed = hash(words[at]!, words[at + 1]!)
    const shard = shards[hashed >>> placeBits]!
    const place = placeOf(shard, hashed, words, at)
    if (place === -1) return -1
    const untilS = shard.entries[place * entryWords + 4]!
    return untilS !== neverS && untilS * 1000 <= now() ? -1 : shard.entries[place * entryWords + 5]!
  }
  const sweeping = { shard: 0, place: shards[0]!.count }
  return {
    add({ key, untilMs, cutoff }) {
      isKnown[kindOf(key)] = 1
      addAt(keyWords(key), 0, untilSOf(untilMs), tagOf(key, cutoff))
    },
    addWords(key, untilS, tag) {
      isKnown[Math.min(tag, leastCutoff)] = 1
      addAt(key, 0, untilS, tag)
    },
    find(key) {
      if (isKnown[kindOf(key)] === 0) return undefined
      const tag = findWords(keyWords(key), 0)
      return tag === -1 ? undefined : tag < leastCutoff ? 1 : tag
    },
    covers({ key, untilMs, cutoff }) {
      const words = keyWords(key)
      const hashed = hash(words[0]!, words[1]!)
      const shard = shards[hashed >>> placeBits]!
      const start = placeOf(shard, hashed, words, 0) * entryWords
      return (
        start >= 0 &&
        shard.entries[start + 4]! >= untilSOf(untilMs) &&
        shard.entries[start + 5]! >= tagOf(key, cutoff)
      )
    },
    findWords,
    size: () => size,
    bytes: () =>
      shards.reduce((sum, { entries, index }) => sum + entries.byteLength + index.byteLength, 0),
    pass() {
      let at = 0
      // Downwards: what a removal moves comes from the end, where the pass has been.
      let place = shards[0]!.count
      return (target) => {
        const nowS = now() / 1000
        let filled = 0
        while (at < shardCount && (filled + 1) * entryWords <= target.length) {
          const { entries, count } = shards[at]!
          place = Math.min(place, count) - 1
          if (place < 0) {
            at += 1
            place = shards[at]?.count ?? 0
            continue
          }
          const start = place * entryWords
          if (entries[start + 4]! <= nowS) continue
          target.set(entries.subarray(start, start + entryWords), filled * entryWords)
          filled += 1
        }
        return filled
      }
    },
    sweep(budget) {
      const nowS = now() / 1000
      for (let left = budget; left > 0; left -= 1) {
        const shard = shards[sweeping.shard]!
        sweeping.place = Math.min(sweeping.place, shard.count) - 1
        if (sweeping.place >= 0) {
          const untilS = shard.entries[sweeping.place * entryWords + 4]!
          if (untilS !== neverS && untilS <= nowS) remove(shard, sweeping.place)
          continue
        }
        shrink(shard)
        sweeping.shard = (sweeping.shard + 1) % shardCount
        sweeping.place = shards[sweeping.shard]!.count
      }
    },
  }
}
