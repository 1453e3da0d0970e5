import { expect } from 'chai'
import fc from 'fast-check'
import {
  kindOf,
  neverS,
  packKey,
  packValue,
  unpackEntry,
  untilSOf,
} from '../../src/revocation/packed-entry.js'
import { entryWith, valueOf } from '../../src/revocation/entry.js'
import { keyKinds, type RevocationKey } from '../../src/token/keys.js'

const keyOf = (kind: string, digest: Uint8Array) =>
  `${kind}:${Buffer.from(digest).toString('base64url')}` as RevocationKey
const digests = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('a packed entry', () => {
  it('unpacks to the entry that was packed, for every kind, expiry and cutoff', () => {
    const expiries = fc.option(fc.integer({ min: 0, max: 0xfffffffe }))
    const cutoffs = fc.integer({ min: 0, max: 0xffffffff })
    fc.assert(
      fc.property(
        fc.constantFrom(...keyKinds),
        digests,
        expiries,
        cutoffs,
        (kind, digest, s, at) => {
          const untilMs = s === null ? null : s * 1000
          const key = keyOf(kind, digest)
          const entry = entryWith(key, untilMs, at)
          const value = packValue(valueOf(entry))
          const words = [...packKey(key), untilSOf(untilMs), kindOf(key), value]
          expect(unpackEntry(Uint32Array.from([0, 0, ...words]), 2)).to.deep.equal(entry)
        },
      ),
    )
  })

  it('packs a key big-endian, as `Buffer` reads it', () => {
    fc.assert(
      fc.property(digests, (digest) => {
        const bytes = Buffer.from(digest)
        expect([...packKey(keyOf('t', digest))]).to.deep.equal(
          [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at)),
        )
      }),
    )
  })

  it('rounds an expiry up to whole seconds, and clamps it to one word', () => {
    expect([0, 1, 1_000, 1_001, -5, 1e15, null].map(untilSOf)).to.deep.equal([
      0,
      1,
      1,
      2,
      0,
      neverS,
      neverS,
    ])
  })

  it('clamps a cutoff to one word; a cutoff that is no number is 0', () => {
    expect([0, 3, 0xffffffff, 2 ** 40, -1, NaN].map(packValue)).to.deep.equal([
      0, 3, 0xffffffff, 0xffffffff, 0, 0,
    ])
  })
})
