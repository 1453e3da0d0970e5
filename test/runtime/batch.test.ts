import { expect } from 'chai'
import { batched } from '../../src/runtime/batch.js'

describe('batched', () => {
  const open = (fails: (items: number[]) => boolean = () => false, mayBeOnes = true) => {
    const batches: number[][] = []
    const work = async (items: number[]) => {
      batches.push(items)
      if (fails(items)) throw new Error(`failed: ${items.join()}`)
      return items.map((item) => item * 2)
    }
    return { batches, double: batched(work, { most: 3, mayBeOnes: () => mayBeOnes }) }
  }
  const settle = async (work: Promise<number>[]) =>
    (await Promise.allSettled(work)).map((one) =>
      one.status === 'fulfilled' ? one.value : (one.reason as Error).message,
    )

  it('takes the items of one turn together, so many at most, each with its own result', async () => {
    const { batches, double } = open()
    expect(await settle([1, 2, 3, 4].map(double))).to.deep.equal([2, 4, 6, 8])
    expect(await double(5)).to.equal(10)
    expect(batches).to.deep.equal([[1, 2, 3], [4], [5]])
  })

  it('tries each item alone when one item may have made the batch fail', async () => {
    const { batches, double } = open((items) => items.includes(2))
    expect(await settle([1, 2, 3].map(double))).to.deep.equal([2, 'failed: 2', 6])
    expect(batches).to.deep.equal([[1, 2, 3], [1], [2], [3]])
  })

  it('fails every item when no single item can be the cause', async () => {
    const { batches, double } = open(() => true, false)
    expect(await settle([1, 2].map(double))).to.deep.equal(['failed: 1,2', 'failed: 1,2'])
    expect(batches).to.deep.equal([[1, 2]])
  })
})
