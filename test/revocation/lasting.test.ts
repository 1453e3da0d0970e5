import { expect } from 'chai'
import { isHeldForGood, isKnownForGood, missingForGood } from '../../src/revocation/lasting.js'
import { covers, valueOf, type Entry } from '../../src/revocation/entry.js'
import type { Preconditions } from '../../src/revocation/commit.js'

const expMs = 50_000
const token: Preconditions = {
  keys: ['t:T', 's:S', 'u:U'],
  issuedAtS: 100,
  untilMs: expMs,
  isKnownRevoked: true,
}
const session = (untilMs: number | null): Entry => ({ key: 's:S', untilMs })
const subject = (cutoff: number, untilMs: number | null = null): Entry => ({
  key: 'u:U',
  untilMs,
  cutoff,
})

/** Sets of entries, and whether they refuse the token until it expires. */
const cases: readonly [string, readonly Entry[], boolean][] = [
  ['nothing', [], false],
  ['an entry for ever', [session(null)], true],
  ['an entry until the token expires', [session(expMs)], true],
  ['an entry that ends long before the token', [session(expMs - 2_000)], false],
  ['a cutoff of the time of the token', [subject(100)], true],
  ['a cutoff before the token', [subject(99)], false],
  ['a cutoff that ends long before the token', [subject(100, expMs - 2_000)], false],
  ['one that ends early, and one that lasts', [session(1_000), subject(100)], true],
  ['one that ends early, and one before the token', [session(1_000), subject(99)], false],
]

describe('whether a token that is revoked stays revoked until it expires', () => {
  for (const [name, entries, isForGood] of cases)
    it(`${name}: ${isForGood ? 'yes' : 'no'}, in the live set and in the store`, () => {
      const under = (key: string) => entries.find((entry) => entry.key === key)
      const liveSet = {
        find: (key: Entry['key']) => {
          const entry = under(key)
          return entry && valueOf(entry)
        },
        covers: (entry: Entry) => covers(under(entry.key), entry),
      }
      expect(isKnownForGood(liveSet, token)).to.equal(isForGood)
      expect(isHeldForGood(token.keys.map(under), token)).to.equal(isForGood)
    })

  it('what is missing: its own entry, where none lasts; the first one again, where replicas may lack it', () => {
    const own = { key: 't:T', untilMs: expMs }
    const entries = [session(60_000), subject(100)]
    const missing = (isForGood: boolean, awaitsReplicas: boolean) =>
      missingForGood(entries, token, { isForGood, awaitsReplicas })
    expect(missing(true, false)).to.deep.equal([])
    expect(missing(false, false)).to.deep.equal([own])
    expect(missing(true, true)).to.deep.equal([session(60_000)])
    expect(missing(false, true)).to.deep.equal([session(60_000), own])
  })
})
