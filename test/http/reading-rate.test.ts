import { expect } from 'chai'
import { createRateRule } from '../../src/http/reading-rate.js'

/** Looks once a second at a reader that takes so many bytes in each second; the second in which it is found too slow. */
function slowAtS(bytesOfSecond: (second: number) => number, untilS = 300): number | undefined {
  const isTooSlow = createRateRule({ bytesPerS: 256_000, overMs: 30_000 })
  let taken = 0
  for (let second = 0; second <= untilS; second += 1) {
    if (isTooSlow(second * 1000, taken)) return second
    taken += bytesOfSecond(second)
  }
  return undefined
}

describe('the rate of a reader', () => {
  it('one that takes nothing is too slow as soon as the time is over', () =>
    expect(slowAtS(() => 0)).to.equal(30))
  it('one that takes a little less is too slow, one that takes just enough is not', () => {
    expect(slowAtS(() => 255_999)).to.equal(30)
    expect(slowAtS(() => 256_000)).to.equal(undefined)
  })
  it('what the buffers take at first counts once, for as long as it is recent', () => {
    expect(slowAtS((second) => (second === 0 ? 6_000_000 : 0))).to.equal(30)
    expect(slowAtS((second) => (second === 0 ? 8_000_000 : 0))).to.equal(31)
  })
  it('one that takes much at long intervals is not too slow', () =>
    expect(slowAtS((second) => (second % 15 === 0 ? 15 * 256_000 : 0))).to.equal(undefined))
  it('one that stops after a good start is too slow once what it took is old', () =>
    expect(slowAtS((second) => (second < 60 ? 10_000_000 : 0))).to.equal(90))
  it('is averaged over the time that has passed, when it is looked at seldom', () => {
    const isTooSlow = createRateRule({ bytesPerS: 1_000, overMs: 10_000 })
    expect([
      isTooSlow(0, 0),
      isTooSlow(9_999, 0),
      isTooSlow(60_000, 60_000),
      isTooSlow(120_000, 119_999),
    ]).to.deep.equal([false, false, false, true])
  })
})
