import { createHash } from 'node:crypto'
import { hasCutoff } from '../revocation/entry.js'
import type { LiveSet } from '../revocation/live-set.js'
import { wordsPerEntry } from '../revocation/packed-entry.js'
import { keyKinds } from '../token/keys.js'
import { feedVersion, type Position } from './event.js'

// The format is described byte by byte in openapi.yaml, under `getSnapshot`.
export const snapshotName = Buffer.from('CIERRE\0', 'latin1')
export const recordBytes = 25
/** The mark of a checksum between records. */
export const checksumMark = 0x23
export const endMark = 0
/** A checksum follows after so many records at most. */
export const recordsAtOnce = 2_048
/** Whether records of a kind have a cutoff, by the kind's byte. */
export const kindBytes = new Map(
  keyKinds.map((kind) => [kind.charCodeAt(0), hasCutoff(`${kind}:`)]),
)

/** Whether snapshots of a version of the feed have checksums. */
export const hasChecksums = (version: number): boolean => version >= 3

/**
 * The checksums of a snapshot. Each one is the SHA-256 digest of the checksum before it and of all
 * bytes since, so that the last one stands for the whole snapshot, and a reader can use the records
 * before each of them.
 */
export function createChecksums() {
  let hash = createHash('sha256')
  return {
    add: (bytes: Uint8Array) => void hash.update(bytes),
    /** The checksum of what was added so far. */
    next(): Buffer {
      const checksum = hash.digest()
      hash = createHash('sha256').update(checksum)
      return checksum
    },
  }
}

/**
 * The live set as the pieces of a snapshot that is complete up to `position`.
 *
 * @param version the version of the feed that the reader knows
 */
export function* encodeSnapshot(
  liveSet: LiveSet,
  position: Position,
  version = feedVersion,
): Generator<Buffer> {
  const written = Math.min(version, feedVersion)
  const checksums = hasChecksums(written) ? createChecksums() : undefined
  const checked = (bytes: Buffer) => {
    checksums?.add(bytes)
    return bytes
  }
  yield checked(encodeHead(position, written))
  const iterate = liveSet.iterate()
  const words = new Uint32Array(recordsAtOnce * wordsPerEntry)
  let records = 0
  for (let filled = iterate(words); filled > 0; filled = iterate(words)) {
    records += filled
    yield checked(encodeRecords(words, filled))
    if (checksums === undefined) continue
    yield checked(Buffer.of(checksumMark))
    yield checksums.next()
  }
  const end = Buffer.alloc(5, endMark)
  end.writeUInt32BE(records, 1)
  yield checked(end)
  if (checksums !== undefined) yield checksums.next()
}

function encodeHead(position: Position, version: number): Buffer {
  const positionBytes = Buffer.from(position, 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(positionBytes.length)
  return Buffer.concat([snapshotName, Buffer.of(version), length, positionBytes])
}

function encodeRecords(words: Uint32Array, count: number): Buffer {
  const piece = Buffer.allocUnsafe(count * recordBytes)
  for (let record = 0; record < count; record += 1)
    encodeRecord(piece, record * recordBytes, words, record * wordsPerEntry)
  return piece
}

function encodeRecord(piece: Buffer, start: number, words: Uint32Array, entry: number): void {
  const kind = words[entry + 5]!
  piece[start] = kind
  for (let word = 0; word < 5; word += 1)
    piece.writeUInt32BE(words[entry + word]!, start + 1 + 4 * word)
  piece.writeUInt32BE(kindBytes.get(kind) === true ? words[entry + 6]! : 0, start + 21)
}
