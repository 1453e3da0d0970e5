import { expect } from 'chai'
import { createDeferred } from '../../src/runtime/deferred.js'
import { createTurns } from '../../src/runtime/turns.js'
import { until } from '../support/processes.js'

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
      Array.from({ length: 20 }, (_, number) => inTurn(work(number), 60_000)),
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
    expect(await inTurn(async () => 'still works', 60_000)).to.equal('still works')
  })

  it('are given up when they come too late: the work is not done, and the next in line has its turn', async () => {
    const inTurn = createTurns(1)
    const done: string[] = []
    const first = createDeferred<void>()
    const running = inTurn(() => first.promise, 60_000)
    const late = inTurn(async () => void done.push('late'), 0)
    const next = inTurn(async () => void done.push('next'), 60_000)
    const begunMs = performance.now()
    await until('time has passed', () => performance.now() > begunMs)
    first.resolve()
    const [, { status }] = await Promise.allSettled([running, late, next])
    expect([status, done]).to.deep.equal(['rejected', ['next']])
  })
})
