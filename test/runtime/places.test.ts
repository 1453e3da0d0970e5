import { expect } from 'chai'
import { createPlaces } from '../../src/runtime/places.js'

describe('places for work in progress', () => {
  it('limited for each client; a place that is left is free again', () => {
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

  it('limited for all clients together', () => {
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
