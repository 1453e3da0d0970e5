/**
 * Records of six 32-bit words and a byte, in chunks of 512. An array of records that grows leaves
 * its predecessors to the garbage collector and holes in the heap of the C library: at a million
 * revocations the process grew by 102 bytes for each. A list of chunks that grows leaves nothing.
 */
export type Chunk = Readonly<{
  /** Six words a record. */
  words: Uint32Array
  /** A byte a record. */
  kinds: Uint8Array
}>

export const recordWords = 6
const leastRecords = 8
const chunkBits = 9
const chunkRecords = 2 ** chunkBits
const recordBytes = 4 * recordWords + 1

/** The chunk of a record. */
export const chunkOf = (chunks: readonly Chunk[], record: number): Chunk =>
  chunks[record >>> chunkBits]!

/** Where the record begins in `words` of its chunk. */
export const wordsAt = (record: number): number => (record & (chunkRecords - 1)) * recordWords

/** Where its byte is in `kinds` of its chunk. */
export const kindAt = (record: number): number => record & (chunkRecords - 1)

function createChunk(records: number): Chunk {
  const buffer = new ArrayBuffer(records * recordBytes)
  return {
    words: new Uint32Array(buffer, 0, records * recordWords),
    kinds: new Uint8Array(buffer, records * recordWords * 4, records),
  }
}

/** A single chunk that is smaller than the others: a set of few records takes little memory. */
export const createChunks = (): Chunk[] => [createChunk(leastRecords)]

/** Makes room for one more record than `count`. */
export function growChunks(chunks: Chunk[], count: number): void {
  const last = chunks.at(-1)!
  const room = (chunks.length - 1) * chunkRecords + last.kinds.length
  if (count < room) return
  if (last.kinds.length === chunkRecords) chunks.push(createChunk(chunkRecords))
  else chunks[chunks.length - 1] = resized(last, last.kinds.length * 2)
}

/** Gives back the chunks that `count` records do not need. */
export function shrinkChunks(chunks: Chunk[], count: number): void {
  chunks.length = Math.max(1, Math.ceil(count / chunkRecords))
  const [first] = chunks
  if (chunks.length > 1 || first === undefined) return
  let room = first.kinds.length
  while (room >= 2 * leastRecords && room >= 2 * count) room /= 2
  if (room < first.kinds.length) chunks[0] = resized(first, room)
}

function resized({ words, kinds }: Chunk, records: number): Chunk {
  const chunk = createChunk(records)
  chunk.words.set(words.subarray(0, records * recordWords))
  chunk.kinds.set(kinds.subarray(0, records))
  return chunk
}

export function moveRecord(chunks: readonly Chunk[], from: number, to: number): void {
  const [source, target] = [chunkOf(chunks, from), chunkOf(chunks, to)]
  const [start, end] = [wordsAt(from), wordsAt(to)]
  for (let word = 0; word < recordWords; word += 1)
    target.words[end + word] = source.words[start + word]!
  target.kinds[kindAt(to)] = source.kinds[kindAt(from)]!
}
