import { expect } from 'chai'
import fc from 'fast-check'
import type { FeedEvent } from '../../src/feed/event.js'
import {
  clocksDisagreeMs,
  momentOf,
  onApplied,
  onPosition,
  onTarget,
  openBarrier,
  stalenessMs,
  type Moment,
} from '../../src/feed/freshness.js'
import type { Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { cautiousTime, watchClock } from '../../src/runtime/clock.js'
import { repeats } from '../support/long.js'

const at = (nowMs: number, monotonicMs = nowMs) => ({ nowMs, monotonicMs })
const event = (sequence: number): FeedEvent => ({ id: `1-${sequence}`, entry: undefined })
const position = (sequence: number) => `1-${sequence}.genesis`
const passed = { mode: 'passed', askedAt: at(7) }

describe('the freshness check', () => {
  it('passes as of the moment of asking, when the answer is the position held', () => {
    expect(onTarget(openBarrier(at(7), position(1)), position(1))).to.deep.equal(passed)
  })

  it('passes when the answer is an event that was applied after the question was sent', () => {
    const asked = onApplied(openBarrier(at(7), position(1)), [event(2), event(3)])
    expect(asked.mode).to.equal('asking')
    for (const one of [2, 3]) expect(onTarget(asked, position(one))).to.deep.equal(passed)
  })

  it('waits for exactly the event of the answer: a later event may be of another epoch', () => {
    const waiting = onTarget(openBarrier(at(7), position(1)), position(3))
    expect(waiting).to.deep.equal({ mode: 'waiting', askedAt: at(7), target: position(3) })
    expect(onApplied(waiting, [event(2)])).to.equal(waiting)
    expect(onApplied(waiting, [event(4), event(5)])).to.equal(waiting)
    expect(onApplied(waiting, [event(2), event(3), event(4)])).to.deep.equal(passed)
  })

  it('passes when a snapshot is complete up to the answer, whichever comes first', () => {
    const opened = openBarrier(at(7), position(1))
    expect(onPosition(onTarget(opened, position(8)), position(8))).to.deep.equal(passed)
    expect(onTarget(onPosition(opened, position(9)), position(9))).to.deep.equal(passed)
  })

  it('takes one answer, and nothing after it has passed', () => {
    const waiting = onTarget(openBarrier(at(7), position(1)), position(3))
    expect(onTarget(waiting, position(4))).to.equal(waiting)
    const done = onTarget(openBarrier(at(7), position(1)), position(1))
    expect([onTarget(done, position(9)), onApplied(done, [event(9)])]).to.deep.equal([done, done])
  })
})

describe('a wall clock that jumps', () => {
  it('ahead or back, by any time and at any moment: nothing that was known to be revoked is accepted', () => {
    const run = (steps: readonly { ms: number; jumpMs: number; what: number }[]) => {
      const ms = { wall: 1_800_000_000_000, monotonic: 0 }
      const clock = { now: () => ms.wall, monotonicMs: () => ms.monotonic }
      const entries = Array.from({ length: 40 }, (_, one): Entry => {
        const bytes = Buffer.alloc(16, one + 1)
        return {
          key: `t:${bytes.toString('base64url')}`,
          untilMs: ms.wall + (one + 1) * 137,
        }
      })
      const liveSet = createLiveSet(clock.now, cautiousTime(clock))
      const watched = watchClock(clock)
      let provenAt: Moment | undefined
      entries.forEach(liveSet.add)
      // What a follower does: before it removes an entry, and before it is proved fresh, it looks
      // whether the clock was set back, and then takes a snapshot.
      const checkClock = () => {
        if (!watched.wasSetBack()) return
        entries.forEach(liveSet.add)
        provenAt = undefined
      }
      for (const { ms: elapsedMs, jumpMs, what } of steps) {
        ms.monotonic += elapsedMs
        ms.wall += elapsedMs + jumpMs
        if (what > 0) checkClock()
        if (what === 1) liveSet.sweep(1_000)
        if (what === 2) provenAt = momentOf(clock)
        if (stalenessMs(provenAt, momentOf(clock)) > 5_000) continue
        for (const { key, untilMs } of entries)
          if (ms.wall < untilMs!) expect(liveSet.find(key)).to.equal(1)
      }
    }
    const step = fc.record({
      ms: fc.nat({ max: 300 }),
      jumpMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 4, arbitrary: fc.integer({ min: -1_000, max: 1_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -6_000, max: 6_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -86_400_000, max: 86_400_000 }) },
      ),
      what: fc.nat({ max: 2 }),
    })
    fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), run), {
      numRuns: repeats(1_000, 30_000),
    })
  }).timeout(600_000)
})

describe('staleness', () => {
  it('is infinite before the first check', () => {
    expect(stalenessMs(undefined, at(0))).to.equal(Infinity)
  })

  it('is the longer of the times by the two clocks', () => {
    const asOf = at(1_000)
    expect(stalenessMs(asOf, at(1_500))).to.equal(500)
    expect(stalenessMs(asOf, at(2_400, 1_500)), 'the wall clock is fast').to.equal(1_400)
    expect(stalenessMs(asOf, at(1_500, 2_400)), 'the wall clock is slow').to.equal(1_400)
  })

  it('is infinite when the clocks disagree by more than a second, either way', () => {
    const asOf = at(100_000)
    const apart = (byMs: number) => stalenessMs(asOf, at(100_500 - byMs, 100_500))
    expect(apart(clocksDisagreeMs)).to.equal(500)
    expect(apart(-clocksDisagreeMs)).to.equal(1_500)
    for (const byMs of [clocksDisagreeMs + 1, 86_400_000]) {
      expect(apart(byMs), `set back by ${byMs} ms`).to.equal(Infinity)
      expect(apart(-byMs), `set ahead by ${byMs} ms, or the machine slept`).to.equal(Infinity)
    }
  })

  it('reads both clocks from the given clock', () => {
    expect(momentOf({ now: () => 1, monotonicMs: () => 2 })).to.deep.equal(at(1, 2))
  })
})
