import { expect } from 'chai'
import fc from 'fast-check'
import { createUnconfirmedWrites } from '../../src/feed/unconfirmed-writes.js'
import type { Entry } from '../../src/revocation/entry.js'

const t = (untilMs: number | null): Entry => ({ key: `t:${'A'.repeat(22)}`, untilMs })
const u = (cutoff: number, untilMs: number | null): Entry => ({
  key: `u:${'A'.repeat(22)}`,
  untilMs,
  cutoff,
})
const open = (most = 10) => {
  const clock = { ms: 0 }
  return { clock, writes: createUnconfirmedWrites({ most, now: () => clock.ms }) }
}

describe('writes that the feed has not confirmed', () => {
  it('are missing once a later read has come to the end of the feed, and not before', () => {
    const { writes } = open()
    writes.add(t(1000), 7)
    expect(writes.missing(7)).to.deep.equal([])
    expect(writes.missing(8)).to.deep.equal([t(1000)])
    writes.confirm(t(1000))
    expect([writes.missing(8), writes.size()]).to.deep.equal([[], 0])
  })

  const coverage: [what: string, write: Entry, event: Entry, isConfirmed: boolean][] = [
    ['the same', t(1000), t(1000), true],
    ['a longer life', t(1000), t(1001), true],
    ['an endless life', t(1000), t(null), true],
    ['a life that is shorter by a second', t(2000), t(1000), true],
    ['a life that is shorter by more than a second', t(2000), t(999), false],
    ['a life that ends, of an endless one', t(null), t(1e15), false],
    ['the same cutoff and life', u(50, 1000), u(50, 1000), true],
    ['a later cutoff', u(50, 1000), u(51, 1000), true],
    ['an earlier cutoff', u(50, 1000), u(49, 1000), false],
    ['the cutoff, with a shorter life', u(50, 2000), u(50, 999), false],
    ['a later cutoff, with a shorter life', u(50, 2000), u(99, 999), false],
    ['another key', t(1000), { ...t(1000), key: `t:${'B'.repeat(21)}A` }, false],
  ]
  for (const [what, write, event, isConfirmed] of coverage) {
    it(`${isConfirmed ? 'confirmed' : 'not confirmed'} by an event of ${what}`, () => {
      const { writes } = open()
      writes.add(write, 0)
      writes.confirm(event)
      expect(writes.missing(1)).to.deep.equal(isConfirmed ? [] : [write])
    })
  }

  it('two writes of one key, one with a later cutoff and one with a longer life: their two events confirm them', () => {
    const { writes } = open()
    writes.add(u(50, 2000), 0)
    writes.add(u(60, 1000), 0)
    writes.confirm(u(50, 2000))
    expect(writes.missing(1)).to.deep.equal([u(60, 2000)])
    writes.confirm(u(60, 1000))
    expect(writes.missing(1)).to.deep.equal([])
  })

  it('a confirmed life stays confirmed when the key is written again', () => {
    const { writes } = open()
    writes.add(u(50, 2000), 0)
    writes.confirm(u(40, 2000))
    writes.add(u(60, 1000), 1)
    writes.confirm(u(60, 1000))
    expect(writes.size()).to.equal(0)
  })

  it('are forgotten when they have expired; a limited number is kept', () => {
    const { writes, clock } = open(2)
    writes.add(t(1000), 0)
    writes.add(u(1, 2000), 0)
    writes.add({ key: `s:${'A'.repeat(22)}`, untilMs: null }, 0)
    expect(writes.size()).to.equal(2)
    writes.add(u(2, 1500), 0)
    clock.ms = 1000
    expect(
      [writes.missing(1), writes.size()],
      'another write of a key that is there is kept',
    ).to.deep.equal([[u(2, 2000)], 1])
  })

  it('property: the events of all writes confirm all of them; without that of the largest cutoff they do not', () => {
    const write = fc.record({ cutoff: fc.nat(9), untilMs: fc.integer({ min: 1, max: 9 }) })
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 6 }), fc.nat(6), (all, applied) => {
        const { writes } = open()
        const entries = all.map(({ cutoff, untilMs }) => u(cutoff, untilMs))
        // Some events arrive before the next write.
        entries.forEach((entry, at) => {
          writes.add(entry, 0)
          if (at < applied) writes.confirm(entry)
        })
        const largest = Math.max(...all.map(({ cutoff }) => cutoff))
        if (!all.slice(0, applied).some(({ cutoff }) => cutoff === largest)) {
          entries
            .filter(({ cutoff }) => cutoff !== largest)
            .forEach((entry) => writes.confirm(entry))
          expect(writes.size()).to.equal(1)
        }
        entries.forEach((entry) => writes.confirm(entry))
        expect(writes.size()).to.equal(0)
      }),
    )
  })
})
