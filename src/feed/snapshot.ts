import { hasCutoff } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { wordsPerEntry } from '../revocation/packed-entry.js'
import { keyKinds } from '../token/keys.js'
import { feedVersion, streamIdOf, unknownKind, UnreadableFeed, type Position } from './event.js'

// The format is described byte by byte in openapi.yaml, under `getSnapshot`.
const name = Buffer.from('CIERRE\0', 'latin1')
const magic = Buffer.concat([name, Buffer.of(feedVersion)])
const headBytes = magic.length + 2
const recordBytes = 25
const trailerBytes = 5
const longestPosition = 128
/** Whether records of a kind have a cutoff, by the kind's byte. */
const kindBytes = new Map(keyKinds.map((kind) => [kind.charCodeAt(0), hasCutoff(`${kind}:`)]))
const recordsAtOnce = 2_048

/** The live set as the pieces of a snapshot that is complete up to `position`. */
export function* encodeSnapshot(liveSet: LiveSet, position: Position): Generator<Buffer> {
  const positionBytes = Buffer.from(position, 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(positionBytes.length)
  yield Buffer.concat([magic, length, positionBytes])
  const iterate = liveSet.iterate()
  const words = new Uint32Array(recordsAtOnce * wordsPerEntry)
  let records = 0
  for (let filled = iterate(words); filled > 0; filled = iterate(words)) {
    const piece = Buffer.allocUnsafe(filled * recordBytes)
    for (let record = 0; record < filled; record += 1)
      encodeRecord(piece, record * recordBytes, words, record * wordsPerEntry)
    records += filled
    yield piece
  }
  const trailer = Buffer.alloc(trailerBytes)
  trailer.writeUInt32BE(records, 1)
  yield trailer
}

function encodeRecord(piece: Buffer, start: number, words: Uint32Array, entry: number): void {
  const kind = words[entry + 5]!
  piece[start] = kind
  for (let word = 0; word < 5; word += 1)
    piece.writeUInt32BE(words[entry + word]!, start + 1 + 4 * word)
  piece.writeUInt32BE(kindBytes.get(kind) === true ? words[entry + 6]! : 0, start + 21)
}

/**
 * Adds a snapshot to a live set, piece by piece.
 *
 * @throws (its methods) Error when the pieces are no snapshot, `UnreadableFeed` when the snapshot
 * is of a newer version
 */
export function createSnapshotReader(liveSet: Pick<LiveSet, 'addPacked'>) {
  let rest: Buffer = Buffer.alloc(0)
  let position: Position | undefined
  let records = 0
  let isWhole = false
  const key = new Uint32Array(4)
  const readHead = () => {
    if (rest.length < headBytes) return false
    if (!rest.subarray(0, name.length).equals(name)) throw new Error('this is no snapshot')
    const version = rest[name.length]!
    if (version === 0 || version > feedVersion)
      throw new UnreadableFeed(
        `this snapshot is of version ${version}, and this reader knows up to ${feedVersion}`,
      )
    const length = rest.readUInt16BE(magic.length)
    if (length > longestPosition) throw new Error('this is no snapshot')
    if (rest.length < headBytes + length) return false
    position = rest.toString('latin1', headBytes, headBytes + length)
    if (streamIdOf(position) === undefined) throw new Error('a snapshot has no position')
    rest = rest.subarray(headBytes + length)
    return true
  }
  const readRecord = (start: number) => {
    const kind = rest[start]!
    const isCutoff = kindBytes.get(kind)
    if (isCutoff === undefined) throw unknownKind('a snapshot')
    for (let word = 0; word < 4; word += 1) key[word] = rest.readUInt32BE(start + 1 + 4 * word)
    const value = isCutoff ? rest.readUInt32BE(start + 21) : 1
    liveSet.addPacked(key, rest.readUInt32BE(start + 17), kind, value)
    records += 1
  }
  return {
    write(piece: Uint8Array): void {
      const added = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      rest = rest.length === 0 ? added : Buffer.concat([rest, added])
      if (position === undefined && !readHead()) return
      let start = 0
      while (!isWhole && start < rest.length) {
        if (rest[start] === 0) {
          if (rest.length - start < trailerBytes) break
          if (rest.readUInt32BE(start + 1) !== records) throw new Error('a snapshot lacks records')
          isWhole = true
          start += trailerBytes
        } else {
          if (rest.length - start < recordBytes) break
          readRecord(start)
          start += recordBytes
        }
      }
      if (isWhole && start < rest.length) throw new Error('something follows the end of a snapshot')
      rest = rest.subarray(start)
    },
    /** The position that the live set is complete up to now. */
    end(): Position {
      if (position === undefined || !isWhole) throw new Error('a snapshot ended before its end')
      return position
    },
  }
}
