import { expect } from 'chai'
import { createRateRule } from '../../src/http/reading-rate.js'

/** The second in which a reader that takes these bytes in each second is found too slow. */
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
  it('a reader that takes nothing is too slow after 30 s', () =>
    expect(slowAtS(() => 0)).to.equal(30))
  it('a byte per second too few is too slow, and the exact rate is not', () => {
    expect(slowAtS(() => 255_999)).to.equal(30)
    expect(slowAtS(() => 256_000)).to.equal(undefined)
  })
  it('the bytes that the buffers take at first count only while they are recent', () => {
    expect(slowAtS((second) => (second === 0 ? 6_000_000 : 0))).to.equal(30)
    expect(slowAtS((second) => (second === 0 ? 8_000_000 : 0))).to.equal(31)
  })
  it('a reader that takes much at long intervals is not too slow', () =>
    expect(slowAtS((second) => (second % 15 === 0 ? 15 * 256_000 : 0))).to.equal(undefined))
  it('a reader that stops is too slow 30 s later', () =>
    expect(slowAtS((second) => (second < 60 ? 10_000_000 : 0))).to.equal(90))
  it('the rate is averaged over the time since the last look', () => {
    const isTooSlow = createRateRule({ bytesPerS: 1_000, overMs: 10_000 })
    expect([
      isTooSlow(0, 0),
      isTooSlow(9_999, 0),
      isTooSlow(60_000, 60_000),
      isTooSlow(120_000, 119_999),
    ]).to.deep.equal([false, false, false, true])
  })
})
