import { expect } from 'chai'
import { withDeadline } from '../../src/runtime/deadline.js'

const anHourMs = 3_600_000
const settled = async (work: Promise<unknown>) =>
  work.then(
    (value) => value,
    ({ message }: Error) => message,
  )

describe('withDeadline', () => {
  it('passes on what the work answers or throws', async () => {
    expect(await settled(withDeadline(Promise.resolve(1), anHourMs))).to.equal(1)
    const failing = Promise.reject(new Error('broken'))
    expect(await settled(withDeadline(failing, anHourMs))).to.equal('broken')
  })

  it('throws when the time is up, and work that ends later disturbs nothing', async () => {
    let fail: (error: Error) => void = () => undefined
    const work = new Promise((_resolve, reject) => (fail = reject))
    expect(await settled(withDeadline(work, 1))).to.equal('no answer within 1 ms')
    fail(new Error('too late'))
    expect(await settled(work)).to.equal('too late')
  })
})
