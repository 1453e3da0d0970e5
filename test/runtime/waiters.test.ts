import { expect } from 'chai'
import { createWaiters } from '../../src/runtime/waiters.js'

const anHour = () => 3_600_000
const late = () => new Error('late')
const settled = async (work: Promise<void>) =>
  work.then(
    () => 'came',
    ({ message }: Error) => message,
  )

describe('waiters', () => {
  it('end together when the event comes, and when it cannot come', async () => {
    const waiters = createWaiters()
    const first = [waiters.wait(anHour, late), waiters.wait(() => Infinity, late)].map(settled)
    waiters.succeed()
    expect(await Promise.all(first)).to.deep.equal(['came', 'came'])
    const second = settled(waiters.wait(anHour, late))
    waiters.fail(new Error('closed'))
    expect(await second).to.equal('closed')
  })

  it('end late each by itself, and the others wait on', async () => {
    const waiters = createWaiters()
    const patient = settled(waiters.wait(anHour, late))
    expect(await settled(waiters.wait(() => 0, late))).to.equal('late')
    waiters.succeed()
    expect(await patient).to.equal('came')
  })

  it('wait on when there is more time at the deadline than was said before', async () => {
    const left = [1, 2, 2, 0]
    expect(await settled(createWaiters().wait(() => left.shift() ?? 0, late))).to.equal('late')
    expect(left).to.deep.equal([])
  })
})
