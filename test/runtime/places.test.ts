import { expect } from 'chai'
import { createPlaces } from '../../src/runtime/places.js'

describe('places for what is under way', () => {
  it('a client has its own, and gets one back when one of its own is left', () => {
    const places = createPlaces({ ofOne: 2, inAll: 10 })
    const first = places.take('a')
    expect(
      [first, places.take('a'), places.take('a'), places.take('b')].map(
        (leave) => leave !== undefined,
      ),
    ).to.deep.equal([true, true, false, true])
    first?.()
    expect(places.take('a')).not.to.equal(undefined)
    expect(places.take('a')).to.equal(undefined)
  })

  it('all clients together have no more than there are', () => {
    const places = createPlaces({ ofOne: 4, inAll: 32 })
    const taken = Array.from({ length: 9 }, (_, client) =>
      Array.from({ length: 4 }, () => places.take(String(client))),
    ).flat()
    expect(taken.map((leave) => leave !== undefined)).to.deep.equal([
      ...Array<boolean>(32).fill(true),
      ...Array<boolean>(4).fill(false),
    ])
    for (const leave of taken) leave?.()
    expect(places.take('8')).not.to.equal(undefined)
  })
})
