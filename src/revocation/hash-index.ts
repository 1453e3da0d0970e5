import {
  chunkOf,
  createChunks,
  growChunks,
  kindAt,
  moveRecord,
  shrinkChunks,
  wordsAt,
  type Chunk,
} from './record-chunks.js'

/**
 * A hash index in typed arrays: open addressing, linear probing, backward-shift deletion (no
 * tombstones). It maps a packed key to a record of six 32-bit words and a byte.
 *
 * | record | content |
 * |---|---|
 * | words 0 to 3 | packed key; the bytes are those of a digest, so they are spread evenly |
 * | words 4, 5; the byte | payload, which this file only copies |
 *
 * | slot, bits | content |
 * |---|---|
 * | 0 to 23 | number of the record, plus one; 0 in a free slot |
 * | 24 to 31 | fingerprint: the top eight bits of word 2 of the key |
 *
 * | hash, bits | content |
 * |---|---|
 * | 0 to 23 | position among the slots of one index |
 * | 24 to 31 | not used here: the caller chooses one of 256 indexes by them |
 *
 * Records are numbered from 0 without gaps: a removal moves the last record to the freed number.
 */
export type HashIndex = {
  readonly seeds: Seeds
  readonly chunks: Chunk[]
  count: number
  slots: Uint32Array
}

/**
 * Random numbers of a process: an attacker who does not know them cannot compute keys that collide.
 */
export type Seeds = Readonly<{ high: number; low: number }>

const leastSlots = 16
const numberBits = 24
const numberMask = 2 ** numberBits - 1
const maxLoad = 0.75

export function createSeeds(): Seeds {
  const [high = 0, low = 0] = crypto.getRandomValues(new Int32Array(2))
  return { high, low }
}

export const createHashIndex = (seeds: Seeds): HashIndex => ({
  seeds,
  chunks: createChunks(),
  count: 0,
  slots: new Uint32Array(leastSlots),
})

/** Bytes of memory that an index takes. */
export const indexBytes = ({ chunks, slots }: HashIndex): number =>
  chunks.reduce((sum, { words }) => sum + words.buffer.byteLength, slots.byteLength)

/** The hash of the packed key at `words[start]`, from its first two words. */
export const hashOf = ({ high, low }: Seeds, words: Uint32Array, start: number): number =>
  (Math.imul(words[start]! ^ high, 0x9e3779b1) ^ Math.imul(words[start + 1]! ^ low, 0x85ebca6b)) >>>
  0

/** The slot at which probing begins. Works for any number of slots, not only for powers of two. */
const homeSlot = (hash: number, slotCount: number) =>
  Math.floor(((hash & 0xffffff) * slotCount) / 0x1000000)

const homeOfRecord = ({ seeds, chunks, slots }: HashIndex, record: number) =>
  homeSlot(hashOf(seeds, chunkOf(chunks, record).words, wordsAt(record)), slots.length)

const nextSlot = (slot: number, slotCount: number) => (slot + 1 === slotCount ? 0 : slot + 1)

/**
 * Eight bits of the key inside the slot: most slots of other keys are passed over without reading
 * their records. Finding an absent key takes 110 ns, without fingerprints 185 ns.
 */
const fingerprintOf = (words: Uint32Array, start: number) => words[start + 2]! >>> numberBits

const isSameKey = (a: Uint32Array, startA: number, b: Uint32Array, startB: number) =>
  a[startA] === b[startB] &&
  a[startA + 1] === b[startB + 1] &&
  a[startA + 2] === b[startB + 2] &&
  a[startA + 3] === b[startB + 3]

/** The number of the record with the packed key at `words[start]`, or -1. */
export function findRecord(
  { chunks, slots }: HashIndex,
  hash: number,
  words: Uint32Array,
  start: number,
): number {
  const slotCount = slots.length
  const fingerprint = fingerprintOf(words, start)
  let slot = homeSlot(hash, slotCount)
  for (let content = slots[slot]!; content !== 0; content = slots[slot]!) {
    const record = (content & numberMask) - 1
    if (
      content >>> numberBits === fingerprint &&
      isSameKey(chunkOf(chunks, record).words, wordsAt(record), words, start)
    )
      return record
    slot = nextSlot(slot, slotCount)
  }
  return -1
}

/**
 * Appends a record with the packed key at `words[start]`, which the index does not have yet.
 *
 * @returns its number; its payload is zero
 * @throws RangeError when the index is full, at 16 million records
 */
export function appendRecord(index: HashIndex, words: Uint32Array, start: number): number {
  makeRoom(index)
  const record = index.count
  const chunk = chunkOf(index.chunks, record)
  const at = wordsAt(record)
  for (let word = 0; word < 4; word += 1) chunk.words[at + word] = words[start + word]!
  chunk.words[at + 4] = 0
  chunk.words[at + 5] = 0
  chunk.kinds[kindAt(record)] = 0
  insertSlot(index, record)
  index.count += 1
  return record
}

/** Removes a record; the last record takes its number. */
export function removeRecord(index: HashIndex, record: number): void {
  const { chunks, slots } = index
  const last = index.count - 1
  freeSlot(index, slotOfRecord(index, record))
  if (record !== last) {
    const slot = slotOfRecord(index, last)
    moveRecord(chunks, last, record)
    slots[slot] = ((slots[slot]! & ~numberMask) | (record + 1)) >>> 0
  }
  index.count = last
}

/** Gives memory back that the records do not need, slots when at least half of them could go. */
export function shrinkIndex(index: HashIndex): void {
  const { count, chunks, slots } = index
  shrinkChunks(chunks, count)
  const wantedSlots = Math.max(leastSlots, Math.ceil((count + 1) / 0.6))
  if (slots.length >= 2 * wantedSlots) rebuildSlots(index, wantedSlots)
}

/**
 * Slots grow by a quarter. At half a million records, each record takes 33 bytes on average, 25 of
 * them for the record itself. Doubling would take up to four bytes more.
 */
function makeRoom(index: HashIndex): void {
  const { count, chunks, slots } = index
  if (count >= numberMask - 1) throw new RangeError('too many revocations for one hash index')
  growChunks(chunks, count)
  if (count + 1 > slots.length * maxLoad) rebuildSlots(index, Math.ceil(slots.length * 1.25))
}

function rebuildSlots(index: HashIndex, slotCount: number): void {
  index.slots = new Uint32Array(slotCount)
  for (let record = 0; record < index.count; record += 1) insertSlot(index, record)
}

function insertSlot(index: HashIndex, record: number): void {
  const { chunks, slots } = index
  let slot = homeOfRecord(index, record)
  while (slots[slot] !== 0) slot = nextSlot(slot, slots.length)
  const fingerprint = fingerprintOf(chunkOf(chunks, record).words, wordsAt(record))
  slots[slot] = ((fingerprint << numberBits) | (record + 1)) >>> 0
}

function slotOfRecord(index: HashIndex, record: number): number {
  const { slots } = index
  let slot = homeOfRecord(index, record)
  while ((slots[slot]! & numberMask) !== record + 1) slot = nextSlot(slot, slots.length)
  return slot
}

/**
 * Frees a slot by backward shift: each later slot, up to the next free one, moves into the gap,
 * unless its home slot lies behind the gap. Without the move a search would end at the gap.
 */
function freeSlot(index: HashIndex, freed: number): void {
  const { slots } = index
  let gap = freed
  for (
    let slot = nextSlot(gap, slots.length);
    slots[slot] !== 0;
    slot = nextSlot(slot, slots.length)
  ) {
    const home = homeOfRecord(index, (slots[slot]! & numberMask) - 1)
    const staysReachable = gap <= slot ? gap < home && home <= slot : gap < home || home <= slot
    if (staysReachable) continue
    slots[gap] = slots[slot]!
    gap = slot
  }
  slots[gap] = 0
}
