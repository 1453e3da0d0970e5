import { expect } from 'chai'
import { createTurns } from '../../src/runtime/turns.js'

describe('turns', () => {
  it('limit how many run at a time; each caller gets its result; a failure frees its turn', async () => {
    const inTurn = createTurns(2)
    let running = 0
    let most = 0
    const order: number[] = []
    const work = (number: number) => async () => {
      order.push(number)
      most = Math.max(most, (running += 1))
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      if (number % 3 === 0) throw new Error(String(number))
      return number
    }
    const settled = await Promise.allSettled(
      Array.from({ length: 20 }, (_, number) => inTurn(work(number))),
    )
    expect(
      settled.map((one) =>
        one.status === 'fulfilled' ? one.value : `failed: ${(one.reason as Error).message}`,
      ),
    ).to.deep.equal(
      Array.from({ length: 20 }, (_, number) => (number % 3 === 0 ? `failed: ${number}` : number)),
    )
    expect([most, running]).to.deep.equal([2, 0])
    expect(order).to.deep.equal(Array.from({ length: 20 }, (_, number) => number))
    expect(await inTurn(async () => 'still works')).to.equal('still works')
  })
})
