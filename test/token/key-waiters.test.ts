import { expect } from 'chai'
import { createKeyWaiters } from '../../src/token/key-waiters.js'

describe('requests that wait for a key', () => {
  it('8 of one address and 256 in all wait; further ones get undefined at once; ended ones free their places', async () => {
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

  it('a failed wait frees its place, too', async () => {
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
