import { expect } from 'chai'
import type { FeedEvent } from '../../src/feed/event.js'
import {
  clocksDisagreeMs,
  momentOf,
  onApplied,
  onPosition,
  onTarget,
  openBarrier,
  stalenessMs,
} from '../../src/feed/freshness.js'

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

describe('staleness', () => {
  it('is infinite before the first check', () => {
    expect(stalenessMs(undefined, at(0))).to.equal(Infinity)
  })

  it('is the longer of the times by the two clocks', () => {
    const asOf = at(1_000)
    expect(stalenessMs(asOf, at(1_500))).to.equal(500)
    expect(stalenessMs(asOf, at(9_000, 1_500)), 'the machine slept').to.equal(8_000)
    expect(stalenessMs(asOf, at(1_500, 2_400)), 'the wall clock is slow').to.equal(1_400)
  })

  it('is infinite when the wall clock has fallen behind the monotonic one', () => {
    const asOf = at(100_000)
    const behind = (byMs: number) => stalenessMs(asOf, at(100_500 - byMs, 100_500))
    expect(behind(clocksDisagreeMs)).to.equal(500)
    expect(behind(clocksDisagreeMs + 1)).to.equal(Infinity)
    expect(behind(86_400_000), 'set back by a day').to.equal(Infinity)
  })

  it('reads both clocks from the given clock', () => {
    expect(momentOf({ now: () => 1, monotonicMs: () => 2 })).to.deep.equal(at(1, 2))
  })
})
