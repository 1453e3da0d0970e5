import { expect } from 'chai'
import fc from 'fast-check'
import {
  appendRecord,
  createHashIndex,
  createSeeds,
  findRecord,
  hashOf,
  indexBytes,
  removeRecord,
  shrinkIndex,
  type HashIndex,
} from '../../src/revocation/hash-index.js'
import { chunkOf, kindAt, wordsAt } from '../../src/revocation/record-chunks.js'

type Key = readonly [number, number, number, number]
type Step = { put: Key; payload: number } | { remove: number } | { shrink: true }

const find = (index: HashIndex, key: Key) => {
  const words = Uint32Array.from(key)
  return findRecord(index, hashOf(index.seeds, words, 0), words, 0)
}
const payloadOf = ({ chunks }: HashIndex, record: number) =>
  chunkOf(chunks, record).words[wordsAt(record) + 5]
const kindOf = ({ chunks }: HashIndex, record: number) =>
  chunkOf(chunks, record).kinds[kindAt(record)]

function put(index: HashIndex, map: Map<string, number>, key: Key, payload: number): void {
  const found = find(index, key)
  expect(found !== -1, key.join()).to.equal(map.has(key.join()))
  const record = found === -1 ? appendRecord(index, Uint32Array.from(key), 0) : found
  const { words, kinds } = chunkOf(index.chunks, record)
  words[wordsAt(record) + 5] = payload
  kinds[kindAt(record)] = payload
  map.set(key.join(), payload)
}

function removeAny(index: HashIndex, map: Map<string, number>, random: number): void {
  if (index.count === 0) return
  const record = random % index.count
  const start = wordsAt(record)
  map.delete(
    chunkOf(index.chunks, record)
      .words.slice(start, start + 4)
      .join(),
  )
  removeRecord(index, record)
}

function run(index: HashIndex, steps: readonly Step[]): Map<string, number> {
  const map = new Map<string, number>()
  for (const step of steps) {
    if ('put' in step) put(index, map, step.put, step.payload)
    else if ('remove' in step) removeAny(index, map, step.remove)
    else shrinkIndex(index)
  }
  return map
}

const word = fc.integer({ min: 0, max: 0xffffffff })
const stepsOver = (key: fc.Arbitrary<Key>) =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.record({ put: key, payload: word }) },
      { weight: 6, arbitrary: fc.record({ remove: fc.nat() }) },
      { weight: 1, arbitrary: fc.constant({ shrink: true as const }) },
    ),
    { maxLength: 600, size: 'max' },
  )

describe('the hash index', () => {
  for (const [name, key] of [
    ['keys of random words', fc.tuple(word, word, word, word)],
    // Each word has one of two values: the keys share home slots and fingerprints.
    ['keys that collide', fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1), fc.nat(30))],
    // All keys share one run of slots, since the hash is of the first two words.
    ['keys of one hash', fc.tuple(fc.constant(7), fc.constant(7), word, fc.nat(3))],
  ] as const)
    it(`equals a Map after any additions, removals and shrinking: ${name}`, () => {
      fc.assert(
        fc.property(stepsOver(key), (steps) => {
          const index = createHashIndex(createSeeds())
          const map = run(index, steps)
          expect(index.count).to.equal(map.size)
          for (const [text, payload] of map) {
            const [a = 0, b = 0, c = 0, d = 0] = text.split(',').map(Number)
            const record = find(index, [a, b, c, d])
            expect(record, text).to.be.at.least(0)
            expect(payloadOf(index, record)).to.equal(payload)
            expect(kindOf(index, record)).to.equal(payload & 0xff)
          }
        }),
        { numRuns: 100 },
      )
    })

  it('finds keys across the end of the slots, in any seed', () => {
    for (let round = 0; round < 200; round += 1) {
      const index = createHashIndex({ high: round, low: -round })
      const keys = Array.from({ length: 12 }, (_, at): Key => [round, at * 0x1000, at, at])
      for (const key of keys) appendRecord(index, Uint32Array.from(key), 0)
      removeRecord(index, find(index, keys[3]!))
      expect(find(index, keys[3]!)).to.equal(-1)
      for (const key of keys.filter((_, at) => at !== 3)) expect(find(index, key)).to.be.at.least(0)
    }
  })

  it('keeps the records numbered without gaps: a removal moves the last one', () => {
    const index = createHashIndex(createSeeds())
    for (let at = 0; at < 5; at += 1) appendRecord(index, Uint32Array.of(at, at, at, at), 0)
    removeRecord(index, 1)
    expect([0, 4, 2, 3].map((at) => find(index, [at, at, at, at]))).to.deep.equal([0, 1, 2, 3])
    expect(find(index, [1, 1, 1, 1])).to.equal(-1)
  })

  it('equals a Map over several chunks of records', () => {
    const index = createHashIndex(createSeeds())
    const map = new Map<string, number>()
    for (let at = 0; at < 3_000; at += 1) put(index, map, [at, at >>> 3, at >>> 5, at], at)
    for (let at = 0; at < 2_400; at += 1) {
      removeAny(index, map, at * 7)
      if (at % 100 === 0) shrinkIndex(index)
    }
    for (let at = 5_000; at < 6_000; at += 1) put(index, map, [at, at, at, at], at)
    expect(index.count).to.equal(map.size)
    for (const [text, payload] of map)
      expect(payloadOf(index, find(index, text.split(',').map(Number) as unknown as Key))).to.equal(
        payload,
      )
  })

  it('has seeds that are drawn anew each time, so that keys that collide cannot be computed', () => {
    const drawn = Array.from({ length: 8 }, () => Object.values(createSeeds()))
    expect(new Set(drawn.flat()).size).to.equal(16)
    for (const seed of drawn.flat()) expect(Number.isInteger(seed), `${seed}`).to.equal(true)
  })

  it('refuses a record whose number no slot can hold', () => {
    const full = { ...createHashIndex(createSeeds()), count: 2 ** 24 - 2 }
    expect(() => appendRecord(full, Uint32Array.of(1, 2, 3, 4), 0)).to.throw(RangeError)
    expect(full.count).to.equal(2 ** 24 - 2)
  })

  it('grows with its records, by less than 35 bytes for each and one chunk', () => {
    const index = createHashIndex(createSeeds())
    for (let at = 0; at < 20_000; at += 1) {
      appendRecord(index, Uint32Array.of(at, at, at, at), 0)
      expect(indexBytes(index)).to.be.below(13_000 + index.count * 35)
    }
  })

  it('keeps its slots when it shrinks, unless half of them could go', () => {
    const index = createHashIndex(createSeeds())
    for (let at = 0; at < 1_000; at += 1) appendRecord(index, Uint32Array.of(at, at, at, at), 0)
    const { slots } = index
    while (index.count > 600) removeRecord(index, 0)
    shrinkIndex(index)
    expect(index.slots).to.equal(slots)
    while (index.count > 300) removeRecord(index, 0)
    shrinkIndex(index)
    expect(index.slots.length).to.be.below(slots.length / 2)
  })

  it('releases memory after most records were removed', () => {
    const index = createHashIndex(createSeeds())
    for (let at = 0; at < 10_000; at += 1) appendRecord(index, Uint32Array.of(at, 0, 0, 0), 0)
    const [grown, slots] = [indexBytes(index), index.slots.length]
    while (index.count > 100) removeRecord(index, 0)
    shrinkIndex(index)
    expect(indexBytes(index)).to.be.below(grown / 50)
    expect(index.slots.length).to.be.below(slots / 50)
    while (index.count > 0) removeRecord(index, 0)
    shrinkIndex(index)
    expect(indexBytes(index)).to.equal(indexBytes(createHashIndex(createSeeds())))
  })
})
