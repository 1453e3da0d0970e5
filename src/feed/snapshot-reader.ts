import type { LiveSet } from '../revocation/live-set.js'
import { feedVersion, streamIdOf, unknownKind, UnreadableFeed, type Position } from './event.js'
import {
  checksumMark,
  createChecksums,
  endMark,
  hasChecksums,
  kindBytes,
  recordBytes,
  recordsAtOnce,
  snapshotName,
} from './snapshot.js'

/** A snapshot is not what the instance sent. Another attempt may succeed. */
export class DamagedSnapshot extends Error {
  override readonly name = 'DamagedSnapshot'
}

const headBytes = snapshotName.length + 3
const checksumBytes = 32
const endBytes = 5
const longestPosition = 128

type Reading = {
  readonly target: Pick<LiveSet, 'addPacked'>
  readonly onPosition: (position: Position) => void
  readonly checksums: ReturnType<typeof createChecksums>
  /** What no checksum has confirmed yet, and the part of it that has been looked at. */
  rest: Buffer
  scanned: number
  /** Where the records in `rest` begin. */
  recordsFrom: number
  position: Position | undefined
  isChecked: boolean
  records: number
  isWhole: boolean
}

/**
 * Adds a snapshot to a live set, piece by piece; records are added once a checksum has confirmed
 * them. Snapshots before version 3 have no checksums.
 *
 * @param onPosition takes the position in the head, before any record is added
 * @throws (its methods) Error when the pieces are no snapshot, `DamagedSnapshot`, and
 * `UnreadableFeed` when the snapshot is of a newer version
 */
export function createSnapshotReader(
  target: Pick<LiveSet, 'addPacked'>,
  onPosition: (position: Position) => void = () => undefined,
) {
  const reading: Reading = {
    target,
    onPosition,
    checksums: createChecksums(),
    rest: Buffer.alloc(0),
    scanned: 0,
    recordsFrom: 0,
    position: undefined,
    isChecked: false,
    records: 0,
    isWhole: false,
  }
  return {
    write(piece: Uint8Array): void {
      const added = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      const { rest } = reading
      reading.rest = rest.length === 0 ? added : Buffer.concat([rest, added])
      if (reading.position === undefined && !readHead(reading)) return
      while (!reading.isWhole && readItem(reading));
      if (reading.isWhole && reading.rest.length > 0)
        throw new DamagedSnapshot('something follows the end of a snapshot')
    },
    /** The position that the live set is complete up to now. */
    end(): Position {
      const { position, isWhole } = reading
      if (position === undefined || !isWhole)
        throw new DamagedSnapshot('a snapshot ended before its end')
      return position
    },
  }
}

/** @returns whether the whole head was there */
function readHead(reading: Reading): boolean {
  const { rest } = reading
  if (rest.length < headBytes) return false
  if (!rest.subarray(0, snapshotName.length).equals(snapshotName))
    throw new Error('this is no snapshot')
  const version = rest[snapshotName.length]!
  if (version === 0 || version > feedVersion)
    throw new UnreadableFeed(
      `this snapshot is of version ${version}, and this reader knows up to ${feedVersion}`,
    )
  const length = rest.readUInt16BE(snapshotName.length + 1)
  if (length > longestPosition) throw new Error('this is no snapshot')
  if (rest.length < headBytes + length) return false
  const position = rest.toString('latin1', headBytes, headBytes + length)
  if (streamIdOf(position) === undefined) throw new Error('a snapshot has no position')
  reading.position = position
  reading.isChecked = hasChecksums(version)
  reading.recordsFrom = reading.scanned = headBytes + length
  reading.onPosition(position)
  return true
}

/** @returns whether a whole record, checksum or end was there */
function readItem(reading: Reading): boolean {
  const { rest, scanned, isChecked, recordsFrom } = reading
  const mark = rest[scanned]
  const isEnd = mark === endMark
  const isChecksum = isEnd || (isChecked && mark === checksumMark)
  const ownBytes = isEnd ? endBytes : isChecksum ? 1 : recordBytes
  const bytes = ownBytes + (isChecked && isChecksum ? checksumBytes : 0)
  if (rest.length - scanned < bytes) return false
  if (isChecked && !isChecksum) {
    if (scanned - recordsFrom >= recordsAtOnce * recordBytes)
      throw new DamagedSnapshot('a snapshot lacks a checksum')
    reading.scanned += bytes
    return true
  }
  if (isChecked) verify(reading, scanned + ownBytes)
  addRecords(reading, isChecksum ? scanned : scanned + bytes)
  if (isEnd) {
    if (rest.readUInt32BE(scanned + 1) !== reading.records)
      throw new DamagedSnapshot('a snapshot lacks records')
    reading.isWhole = true
  }
  reading.rest = rest.subarray(scanned + bytes)
  reading.scanned = reading.recordsFrom = 0
  return true
}

/** Compares the checksum that begins at `at` with that of everything before it. */
function verify({ checksums, rest }: Reading, at: number): void {
  checksums.add(rest.subarray(0, at))
  if (!checksums.next().equals(rest.subarray(at, at + checksumBytes)))
    throw new DamagedSnapshot('a snapshot does not match its checksum')
}

const key = new Uint32Array(4)

/** Adds the records before `to`. */
function addRecords(reading: Reading, to: number): void {
  const { rest, target } = reading
  for (let start = reading.recordsFrom; start < to; start += recordBytes) {
    const kind = rest[start]!
    const isCutoff = kindBytes.get(kind)
    if (isCutoff === undefined) throw unknownKind('a snapshot', String.fromCharCode(kind))
    for (let word = 0; word < 4; word += 1) key[word] = rest.readUInt32BE(start + 1 + 4 * word)
    const value = isCutoff ? rest.readUInt32BE(start + 21) : 1
    target.addPacked(key, rest.readUInt32BE(start + 17), kind, value)
    reading.records += 1
  }
}
