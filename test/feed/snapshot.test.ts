import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { encodeSnapshot } from '../../src/feed/snapshot.js'
import { createSnapshotReader } from '../../src/feed/snapshot-reader.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { unpackEntry, untilSOf, wordsPerEntry } from '../../src/revocation/packed-entry.js'
import type { Entry } from '../../src/revocation/entry.js'
import type { RevocationKey } from '../../src/token/keys.js'
import { repeats } from '../support/long.js'
import { createRandom } from '../support/random.js'

const keyOf = (kind: string, name: string | number) =>
  `${kind}:${createHash('sha256').update(String(name)).digest().subarray(0, 16).toString('base64url')}` as RevocationKey
const startMs = 1_800_000_000_000

describe('the snapshot', () => {
  const entryNumber = (one: number): Entry => {
    const kind = 'tsujn'[one % 5]!
    return {
      key: keyOf(kind, one),
      untilMs: one % 7 === 0 ? null : startMs + 1_000 + one,
      ...((kind === 'u' || kind === 'n') && { cutoff: 1_700_000_000 + one }),
    }
  }

  it('adds every entry, in pieces of any size, and keeps what the live set holds', () => {
    const liveSet = createLiveSet(() => startMs)
    const entries: Entry[] = []
    for (let one = 0; one < 10_000; one += 1) entries.push(entryNumber(one))
    entries.forEach(liveSet.add)
    const position = `1800000000000-3.${entries[0]!.key}`
    const bytes = Buffer.concat([...encodeSnapshot(liveSet, position)])
    for (const size of [1, 24, 25, 1_000, bytes.length]) {
      const other = createLiveSet(() => startMs)
      other.add({ key: keyOf('u', 2), untilMs: null, cutoff: 1_900_000_000 })
      const reader = createSnapshotReader(other)
      for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size))
      expect(reader.end()).to.equal(position)
      expect(other.size()).to.equal(10_000)
      expect(other.find(keyOf('u', 2)), 'the later cutoff').to.equal(1_900_000_000)
      const target = new Uint32Array(20_000 * wordsPerEntry)
      const filled = other.iterate()(target)
      const found = new Map(
        Array.from({ length: filled }, (_, at) => unpackEntry(target, at * wordsPerEntry)).map(
          (entry) => [entry.key, entry],
        ),
      )
      for (const entry of entries.slice(3)) {
        const untilMs = entry.untilMs === null ? null : untilSOf(entry.untilMs) * 1000
        expect(found.get(entry.key)).to.deep.equal({ ...entry, untilMs })
      }
    }
  })

  /** A snapshot of `count` entries, as the bytes of a version of the feed. */
  const snapshotOf = (count: number, version?: number) => {
    const liveSet = createLiveSet(() => startMs)
    for (let one = 0; one < count; one += 1) liveSet.add(entryNumber(one))
    return Buffer.concat([...encodeSnapshot(liveSet, '1-0.genesis', version)])
  }
  /** Reads a snapshot; `added` counts the records that were added. */
  const openReader = () => {
    const counted = { added: 0 }
    const reader = createSnapshotReader({ addPacked: () => void (counted.added += 1) })
    return { ...reader, counted }
  }
  const read = (bytes: Buffer) => {
    const reader = openReader()
    reader.write(bytes)
    return { position: reader.end(), size: reader.counted.added }
  }

  it('has checksums from version 3 on; a reader of version 2 gets and reads what it knows', () => {
    for (const [version, number] of [
      [2, 2],
      [3, 3],
      [99, 3],
    ] as const) {
      const bytes = snapshotOf(5_000, version)
      expect(bytes[7], `${version}`).to.equal(number)
      expect(read(bytes)).to.deep.equal({ position: '1-0.genesis', size: 5_000 })
    }
    const sizeOf = (count: number) => 10 + '1-0.genesis'.length + 25 * count + 5
    expect(snapshotOf(5_000, 2).length).to.equal(sizeOf(5_000))
    expect(snapshotOf(5_000).length).to.equal(sizeOf(5_000) + 3 * 33 + 32)
  })

  it('refuses a snapshot that is truncated, has bytes after its end, or is of a newer version', () => {
    for (const version of [2, 3]) {
      const bytes = snapshotOf(10, version)
      for (let length = 0; length < bytes.length; length += 1)
        expect(() => read(bytes.subarray(0, length)), `${length} bytes`).to.throw()
      expect(() => read(Buffer.concat([bytes, Buffer.from([0])]))).to.throw('follows')
    }
    const newerVersion = snapshotOf(10)
    newerVersion[7]! += 1
    expect(() => read(newerVersion)).to.throw('version')
    const bytes = snapshotOf(10, 2)
    const fewer = Buffer.concat([
      bytes.subarray(0, bytes.length - 5 - 25),
      bytes.subarray(bytes.length - 5),
    ])
    expect(() => read(fewer)).to.throw('lacks')
  })

  it('refuses every snapshot with one wrong bit, and adds no record of it', () => {
    for (const count of [0, 1, 40]) {
      const bytes = snapshotOf(count)
      expect(read(bytes).size).to.equal(count)
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const wrong = Buffer.from(bytes)
        wrong[bit >> 3]! ^= 1 << (bit & 7)
        const reader = openReader()
        const isBeforeEnd = bit >> 3 < bytes.length - 5 - 32 - 33
        expect(() => {
          reader.write(wrong)
          reader.end()
        }, `bit ${bit} of ${count} entries`).to.throw()
        // The version before had no checksums.
        if (isBeforeEnd && wrong[7] === 3) expect(reader.counted.added).to.equal(0)
      }
    }
  })

  it('refuses every snapshot of which any piece is lost, repeated or exchanged with the next', () => {
    const bytes = snapshotOf(3)
    const refused = (parts: Buffer[], what: string) => {
      const given = Buffer.concat(parts)
      if (!given.equals(bytes)) expect(() => read(given), what).to.throw()
    }
    for (let from = 0; from < bytes.length; from += 1)
      for (let to = from + 1; to <= bytes.length; to += 1) {
        const [head, piece, rest] = [
          bytes.subarray(0, from),
          bytes.subarray(from, to),
          bytes.subarray(to),
        ]
        refused([head, rest], `without ${from} to ${to}`)
        refused([head, piece, piece, rest], `${from} to ${to} twice`)
        const next = rest.subarray(0, piece.length)
        refused([head, next, piece, rest.subarray(piece.length)], `${from} to ${to} later`)
      }
  }).timeout(60_000)

  it('refuses a large snapshot with a random wrong bit, or with a random piece or whole block lost, repeated or exchanged', () => {
    const bytes = snapshotOf(20_000)
    const below = createRandom(7)
    const blockBytes = 2_048 * 25 + 33
    const headBytes = 10 + '1-0.genesis'.length
    const cut = (...at: number[]) =>
      [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
    for (let run = 0; run < repeats(60, 2_000); run += 1) {
      const isBlock = run % 2 === 0
      const from = isBlock ? headBytes + below(8) * blockBytes : below(bytes.length - 1)
      const length = isBlock ? blockBytes : 1 + below(Math.min(70_000, bytes.length - from))
      const [head, piece, next, rest] = cut(from, from + length, from + 2 * length)
      const wrong = Buffer.from(bytes)
      wrong[below(bytes.length)]! ^= 1 << below(8)
      for (const parts of [
        [wrong],
        [head!, next!, rest!],
        [head!, piece!, piece!, next!, rest!],
        [head!, next!, piece!, rest!],
      ]) {
        const given = Buffer.concat(parts)
        if (!given.equals(bytes))
          expect(() => read(given), `run ${run}: ${from}, ${length}`).to.throw()
      }
    }
  }).timeout(120_000)
})
