import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { createSnapshotReader, encodeSnapshot } from '../../src/feed/snapshot.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { unpackEntry, untilSOf, wordsPerEntry } from '../../src/revocation/packed-entry.js'
import type { Entry } from '../../src/revocation/entry.js'
import type { RevocationKey } from '../../src/token/keys.js'

const keyOf = (kind: string, name: string | number) =>
  `${kind}:${createHash('sha256').update(String(name)).digest().subarray(0, 16).toString('base64url')}` as RevocationKey
const startMs = 1_800_000_000_000

describe('the snapshot', () => {
  it('adds every entry, in pieces of any size, and keeps what the live set holds', () => {
    const liveSet = createLiveSet(() => startMs)
    const entries: Entry[] = []
    for (let one = 0; one < 10_000; one += 1) {
      const kind = 'tsujn'[one % 5]!
      entries.push({
        key: keyOf(kind, one),
        untilMs: one % 7 === 0 ? null : startMs + 1_000 + one,
        ...((kind === 'u' || kind === 'n') && { cutoff: 1_700_000_000 + one }),
      })
    }
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

  it('refuses a snapshot that is truncated, has bytes after its end, or is of a newer version', () => {
    const liveSet = createLiveSet(() => startMs)
    for (let one = 0; one < 10; one += 1) liveSet.add({ key: keyOf('t', one), untilMs: null })
    const bytes = Buffer.concat([...encodeSnapshot(liveSet, '1-0.genesis')])
    const read = (given: Buffer) => {
      const reader = createSnapshotReader(createLiveSet(() => startMs))
      reader.write(given)
      return reader.end()
    }
    expect(read(bytes)).to.equal('1-0.genesis')
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => read(bytes.subarray(0, length)), `${length} bytes`).to.throw()
    expect(() => read(Buffer.concat([bytes, Buffer.from([0])]))).to.throw('follows')
    const newerVersion = Buffer.from(bytes)
    newerVersion[7]! += 1
    expect(() => read(newerVersion)).to.throw('version')
    const fewer = Buffer.concat([
      bytes.subarray(0, bytes.length - 5 - 25),
      bytes.subarray(bytes.length - 5),
    ])
    expect(() => read(fewer)).to.throw('lacks')
  })
})
