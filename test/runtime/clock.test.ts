import { expect } from 'chai'
import { cautiousTime, watchClock } from '../../src/runtime/clock.js'

describe('watchClock', () => {
  const open = () => {
    const ms = { now: 1_000_000, monotonic: 0 }
    const move = (now: number, monotonic: number) => {
      ms.now += now
      ms.monotonic += monotonic
    }
    return { move, clock: watchClock({ now: () => ms.now, monotonicMs: () => ms.monotonic }) }
  }

  it('sees nothing while both clocks run, or the wall clock is set ahead', () => {
    const { move, clock } = open()
    const seen = [
      [0, 0],
      [5_000, 5_000],
      [60_000, 10],
      [0, 1_000],
    ].map(([now = 0, monotonic = 0]) => {
      move(now, monotonic)
      return clock.wasSetBack()
    })
    expect(seen).to.deep.equal([false, false, false, false])
  })

  it('reports a clock that was set back by more than a second, once', () => {
    const { move, clock } = open()
    clock.checkClock()
    move(-1_001, 0)
    expect([clock.wasSetBack(), clock.wasSetBack()]).to.deep.equal([true, false])
  })

  it('adds up what the clock is set back little by little', () => {
    const { move, clock } = open()
    clock.checkClock()
    const seen = [-900, -100, -1, -900].map((ms) => {
      move(ms + 10, 10)
      return clock.wasSetBack()
    })
    expect(seen).to.deep.equal([false, false, true, false])
  })

  it('remembers a check between two reports, even when the clock is right again', () => {
    const { move, clock } = open()
    clock.checkClock()
    move(-5_000, 0)
    clock.checkClock()
    move(5_000, 0)
    expect(clock.wasSetBack()).to.equal(true)
  })
})

describe('the cautious time', () => {
  const hourMs = 3_600_000
  const open = () => {
    const ms = { now: 1_000_000, monotonic: 500 }
    const time = cautiousTime({ now: () => ms.now, monotonicMs: () => ms.monotonic })
    time()
    return (now: number, monotonic = now) => {
      ms.now += now
      ms.monotonic += monotonic
      return ms.now - time()
    }
  }

  it('is that of the wall clock while both clocks run, also after the wall clock was set back', () => {
    const behindAfter = open()
    expect([behindAfter(5_000), behindAfter(-9_000, 0), behindAfter(1_000)]).to.deep.equal([
      0, 0, 0,
    ])
  })

  it('does not follow a wall clock that jumps ahead, nor one that jumps back and ahead again', () => {
    const behindAfter = open()
    expect(behindAfter(86_400_000, 0)).to.equal(86_400_000)
    expect(behindAfter(60_000)).to.equal(86_400_000)
    expect(behindAfter(-86_400_000, 0)).to.equal(0)
    expect(behindAfter(hourMs, 0)).to.equal(hourMs)
  })

  it('follows a wall clock that stays ahead, after one to two hours', () => {
    const behindAfter = open()
    behindAfter(1_800_000)
    expect(behindAfter(86_400_000, 0)).to.equal(86_400_000)
    let elapsedMs = 0
    while (behindAfter(60_000) > 0) elapsedMs += 60_000
    expect(elapsedMs).to.be.within(hourMs, 2 * hourMs)
  })
})
