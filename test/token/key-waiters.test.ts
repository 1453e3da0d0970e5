import { expect } from 'chai'
import { createKeyWaiters } from '../../src/token/key-waiters.js'

describe('requests that wait for a key', () => {
  it('8 of one address, 256 in all; the next ones are told at once, and places become free again', async () => {
    const wait = createKeyWaiters()
    let release: () => void = () => undefined
    const held = new Promise<string>((resolve) => (release = () => resolve('done')))
    const ofOne = Array.from({ length: 8 }, () => wait('a', () => held))
    expect(await wait('a', () => held), 'the ninth').to.equal(undefined)
    const others = Array.from({ length: 248 }, (_, at) => wait(`b${at}`, () => held))
    expect(await wait('c', () => held), 'number 257').to.equal(undefined)
    release()
    expect(new Set(await Promise.all([...ofOne, ...others]))).to.deep.equal(new Set(['done']))
    expect(await wait('a', async () => 'again')).to.equal('again')
  })

  it('what fails leaves its place as well', async () => {
    const wait = createKeyWaiters()
    for (let round = 0; round < 20; round += 1) {
      const error = await wait('a', () => Promise.reject(new Error('no'))).catch(
        (reason: unknown) => reason,
      )
      expect(error).to.be.instanceOf(Error)
    }
    expect(await wait('a', async () => 1)).to.equal(1)
  })
})
