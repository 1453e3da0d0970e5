import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { unpackEntry, wordsPerEntry } from '../../src/revocation/packed-entry.js'
import { encodeSnapshot } from '../../src/feed/snapshot.js'
import { createSnapshotReader } from '../../src/feed/snapshot-reader.js'
import { entryWith, hasCutoff, valueOf, type Entry } from '../../src/revocation/entry.js'
import { keyKinds, type RevocationKey } from '../../src/token/keys.js'

const keyOf = (kind: string, name: string | number) =>
  `${kind}:${createHash('sha256').update(String(name)).digest().subarray(0, 16).toString('base64url')}` as RevocationKey
const startMs = 1_800_000_000_000

/** Entries are found for a second longer than they say. */
const isFound = (untilMs: number | null, nowMs: number) =>
  untilMs === null || untilMs + 1_000 > nowMs

describe('the live set in memory', () => {
  it('equals a Map through any additions, sweeps and a clock that advances', () => {
    const name = fc.nat(400)
    const step = fc.oneof(
      {
        weight: 20,
        arbitrary: fc.record({
          add: name,
          forS: fc.option(fc.nat(100), { freq: 10 }),
          cutoff: fc.integer({ min: 1_700_000_000, max: 1_700_000_050 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ passS: fc.nat(60) }) },
      { weight: 2, arbitrary: fc.record({ sweep: fc.nat(5_000) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000, size: 'max' }), (steps) => {
        let nowMs = startMs
        const liveSet = createLiveSet(() => nowMs)
        const plain = new Map<RevocationKey, Entry>()
        for (const one of steps) {
          if ('passS' in one) nowMs += one.passS * 1000
          else if ('sweep' in one) liveSet.sweep(one.sweep)
          else {
            const kind = 'tsujn'[one.add % 5]!
            const key = keyOf(kind, one.add)
            const untilMs = one.forS === null ? null : nowMs + one.forS * 1000
            const entry = { key, untilMs, ...(hasCutoff(key) && { cutoff: one.cutoff }) }
            liveSet.add(entry)
            const before = plain.get(key)
            const isLive = before !== undefined && isFound(before.untilMs, nowMs)
            plain.set(
              key,
              !isLive
                ? entry
                : {
                    key,
                    untilMs:
                      before.untilMs === null || untilMs === null
                        ? null
                        : Math.max(before.untilMs, untilMs),
                    ...(hasCutoff(key) && { cutoff: Math.max(before.cutoff!, one.cutoff) }),
                  },
            )
          }
        }
        for (const [key, { untilMs, cutoff }] of plain) {
          const found = liveSet.find(key)
          if (!isFound(untilMs, nowMs)) expect(found).to.equal(undefined)
          // An expired entry that is not swept yet may have raised the cutoff: a later cutoff is safe.
          else if (cutoff !== undefined) expect(found).to.be.at.least(cutoff)
          else expect(found).to.equal(1)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('finds a made-up digest that was added under two kinds by both keys', () => {
    for (const [one, other] of ['ts', 'st', 'su', 'us', 'jt', 'uj', 'un', 'nu', 'ns'].map(
      (kinds) => [...kinds].map((kind) => keyOf(kind, 1)) as [RevocationKey, RevocationKey],
    )) {
      const liveSet = createLiveSet(() => startMs)
      for (const key of [one, other])
        liveSet.add({ key, untilMs: null, ...(hasCutoff(key) && { cutoff: startMs }) })
      expect([liveSet.find(one), liveSet.find(other)], one + other).to.not.include(undefined)
    }
  })

  it('finds every live entry after an invalid cutoff and after others were swept', () => {
    let nowMs = startMs
    const liveSet = createLiveSet(() => nowMs)
    liveSet.add({ key: keyOf('u', 1), untilMs: nowMs + 1_000, cutoff: NaN })
    expect(liveSet.find(keyOf('u', 1))).to.equal(0)
    liveSet.add({ key: keyOf('t', 2), untilMs: null })
    nowMs += 4_000
    liveSet.sweep(2_000)
    expect([liveSet.size(), liveSet.find(keyOf('t', 2))]).to.deep.equal([1, 1])
  })

  it('covers an entry if it holds one with an expiry (in whole seconds) and a cutoff at least as late, but for a second', () => {
    const liveSet = createLiveSet(() => 0)
    const [t, u] = [`t:${'A'.repeat(22)}`, `u:${'B'.repeat(21)}A`] as [`t:${string}`, `u:${string}`]
    expect(liveSet.covers({ key: t, untilMs: 1 })).to.equal(false)
    liveSet.add({ key: t, untilMs: 5_000 })
    liveSet.add({ key: u, untilMs: 5_000, cutoff: 100 })
    const covered = (entries: Parameters<typeof liveSet.covers>[0][]) => entries.map(liveSet.covers)
    expect(
      covered([
        { key: t, untilMs: 4_000 },
        { key: t, untilMs: 5_000 },
        { key: t, untilMs: 6_000 },
        { key: t, untilMs: 6_001 },
        { key: t, untilMs: null },
      ]),
    ).to.deep.equal([true, true, true, false, false])
    expect(
      covered([
        { key: u, untilMs: 5_000, cutoff: 100 },
        { key: u, untilMs: 5_000, cutoff: 101 },
        { key: u, untilMs: 7_000, cutoff: 100 },
      ]),
    ).to.deep.equal([true, false, false])
    liveSet.add({ key: t, untilMs: null })
    expect(liveSet.covers({ key: t, untilMs: null })).to.equal(true)
  })

  it('what never expires stays after 2106, when seconds no longer fit into a word: found, iterated, kept by a sweep', () => {
    let nowMs = startMs
    const liveSet = createLiveSet(() => nowMs)
    const entries = keyKinds.map((kind) => entryWith(keyOf(kind, kind), null, 1_795_000_000))
    entries.forEach(liveSet.add)
    liveSet.add({ key: keyOf('t', 'another'), untilMs: startMs + 1_000 })
    nowMs = Date.UTC(2107, 0)
    liveSet.sweep(10_000)
    expect(entries.map(({ key }) => liveSet.find(key))).to.deep.equal(entries.map(valueOf))
    const words = new Uint32Array(10 * wordsPerEntry)
    const iterated = Array.from({ length: liveSet.iterate()(words) }, (_, at) =>
      unpackEntry(words, at * wordsPerEntry),
    )
    expect(iterated).to.have.deep.members(entries)
    const other = createLiveSet(() => nowMs)
    const reader = createSnapshotReader(other)
    for (const piece of encodeSnapshot(liveSet, '1-0.genesis')) reader.write(piece)
    expect(entries.map(other.covers)).not.to.include(false)
  })

  it('removes expired entries, and releases their memory', () => {
    let nowMs = startMs
    const liveSet = createLiveSet(() => nowMs)
    for (let one = 0; one < 50_000; one += 1)
      liveSet.add({ key: keyOf('t', one), untilMs: nowMs + (one % 10 === 0 ? 1_000_000 : 1_000) })
    const grown = liveSet.bytes()
    expect(liveSet.size()).to.equal(50_000)
    nowMs += 1_999
    expect(liveSet.find(keyOf('t', 1)), 'a second longer').to.equal(1)
    nowMs += 1
    expect(liveSet.find(keyOf('t', 1)), 'before anything is swept').to.equal(undefined)
    nowMs += 1_999
    liveSet.sweep(200_000)
    expect(liveSet.size(), 'a clock may be set back without notice').to.equal(50_000)
    nowMs += 1
    expect(
      liveSet.iterate()(new Uint32Array(50_000 * wordsPerEntry)),
      'an iteration passes over what the next sweep removes',
    ).to.equal(5_000)
    liveSet.sweep(200_000)
    expect(liveSet.size()).to.equal(5_000)
    expect(liveSet.bytes()).to.be.below(grown / 4)
    for (let one = 0; one < 50_000; one += 10) expect(liveSet.find(keyOf('t', one))).to.equal(1)
  })

  it('what only the wall clock calls expired is not found, and stays in memory and in iterations', () => {
    let nowMs = startMs
    const liveSet = createLiveSet(
      () => nowMs,
      () => startMs,
    )
    const key = keyOf('s', 1)
    liveSet.add({ key, untilMs: startMs + 1_000 })
    nowMs += 86_400_000
    liveSet.sweep(10_000)
    expect(liveSet.find(key)).to.equal(undefined)
    expect(liveSet.iterate()(new Uint32Array(wordsPerEntry))).to.equal(1)
    nowMs = startMs
    expect(liveSet.find(key)).to.equal(1)
  })

  it('an iteration returns every entry that stays while others are added, swept and moved', () => {
    let nowMs = startMs
    const liveSet = createLiveSet(() => nowMs)
    const stays = new Set<RevocationKey>()
    for (let one = 0; one < 30_000; one += 1) {
      const key = keyOf('s', one)
      if (one % 3 === 0) stays.add(key)
      liveSet.add({ key, untilMs: one % 3 === 0 ? null : nowMs + 1_000 })
    }
    const next = liveSet.iterate()
    const target = new Uint32Array(100 * wordsPerEntry)
    let added = 0
    for (let filled = next(target); filled > 0; filled = next(target)) {
      for (let record = 0; record < filled; record += 1)
        stays.delete(unpackEntry(target, record * wordsPerEntry).key)
      nowMs += 20
      liveSet.sweep(700)
      for (let one = 0; one < 50; one += 1)
        liveSet.add({ key: keyOf('t', `later ${(added += 1)}`), untilMs: null })
    }
    expect(stays.size).to.equal(0)
  })
})
