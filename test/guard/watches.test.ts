import { expect } from 'chai'
import { spreadDelayMs } from '../../src/guard/watches.js'

const delaysOf = (count: number) =>
  Array.from({ length: count }, (_, index) => spreadDelayMs(index, count))

describe('closing many connections of a stale guard', () => {
  it('spreads them evenly over a second, in their order', () => {
    const delaysMs = delaysOf(200)
    expect(delaysMs.slice(0, 3)).to.deep.equal([0, 5, 10])
    expect(delaysMs.at(-1)).to.equal(995)
    for (const count of [1, 2, 3, 999, 1_001, 100_000]) {
      const all = delaysOf(count)
      const perMs = new Map<number, number>()
      for (const delayMs of all) perMs.set(delayMs, (perMs.get(delayMs) ?? 0) + 1)
      expect(Math.max(...perMs.values()), `${count}`).to.equal(Math.ceil(count / 1_000))
      expect(all, `${count}`).to.deep.equal([...all].sort((one, other) => one - other))
      expect([all[0], all.at(-1)! < 1_000], `${count}`).to.deep.equal([0, true])
    }
  })
})
