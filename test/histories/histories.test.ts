import { randomInt } from 'node:crypto'
import { expect } from 'chai'
import { repeats } from '../support/long.js'
import { explore, wander } from './explore.js'
import { large, small } from './settings.js'

const depth = repeats(4, 8)
/** To let everything come to rest takes as long as the events. */
const convergesUpTo = repeats(4, 6)
const given = process.env['SEED']
const histories =
  given === undefined ? Number(process.env['HISTORIES'] ?? repeats(1_000, 100_000)) : 1
const firstSeed = Number(given ?? randomInt(2 ** 30))
const longest = 40

describe('in every history no promise is broken', function () {
  this.timeout(3_600_000)

  for (const [name, setting] of Object.entries(small))
    it(`every order of at most ${depth} events: ${name}`, () => {
      const { counterexample, worlds } = explore(setting, depth, convergesUpTo)
      expect(counterexample).to.equal(undefined)
      expect(worlds).to.be.above(100)
    })

  it(`${histories} histories by chance, of ${longest} events (SEED=N repeats one)`, () => {
    if (histories > 1_000) console.log(`      seed=${firstSeed}`)
    for (let seed = firstSeed; seed < firstSeed + histories; seed += 1)
      expect(wander(large, seed, longest), `seed=${seed}`).to.equal(undefined)
  })
})
