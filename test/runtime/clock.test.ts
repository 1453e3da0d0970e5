import { expect } from 'chai'
import { watchClock } from '../../src/runtime/clock.js'

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

  it('remembers a check between two reports, even when the clock is right again', () => {
    const { move, clock } = open()
    clock.checkClock()
    move(-5_000, 0)
    clock.checkClock()
    move(5_000, 0)
    expect(clock.wasSetBack()).to.equal(true)
  })
})
