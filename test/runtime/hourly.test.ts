import { expect } from 'chai'
import { createHourly } from '../../src/runtime/hourly.js'

describe('what is due once an hour', () => {
  it('is due again after an hour, or after the clock was set back; each name by itself', () => {
    let nowMs = 0
    const isDue = createHourly(() => nowMs)
    const at = (ms: number, name = 'one') => ((nowMs = ms), isDue(name))
    expect([at(5_000_000), at(8_599_999), at(8_599_999, 'other')]).to.deep.equal([
      true,
      false,
      true,
    ])
    expect([at(8_600_000), at(8_600_001), at(0)]).to.deep.equal([true, false, true])
  })
})
