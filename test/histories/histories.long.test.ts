import { expect } from 'chai'
import { explore, wander } from './explore.js'
import { large, small } from './settings.js'

const depth = 8
/** To let everything come to rest takes as long as the events. */
const convergesUpTo = 6
const { SEED: given, HISTORIES: count } = process.env
const histories = Number(count ?? (given === undefined ? 100_000 : 1))
/** Each run has the same seeds, so that no change is refused for what another one broke. */
const firstSeed = Number(given ?? 1)
const longest = 40

describe('in every history no promise is broken', function () {
  this.timeout(3_600_000)

  for (const [name, setting] of Object.entries(small))
    it(`every order of at most ${depth} events: ${name}`, () => {
      const { counterexample, worlds } = explore(setting, depth, convergesUpTo)
      expect(counterexample).to.equal(undefined)
      expect(worlds).to.be.above(100)
    })

  it(`${histories} histories by chance, of ${longest} events, from seed=${firstSeed} (SEED=N repeats one)`, () => {
    for (let seed = firstSeed; seed < firstSeed + histories; seed += 1)
      expect(wander(large, seed, longest), `seed=${seed}`).to.equal(undefined)
  })
})
