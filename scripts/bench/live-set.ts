// Measures the live set alone: one addition, look-up and iteration at half a million entries.
import { createLiveSet } from '../../src/revocation/live-set.js'
import { kindOf, wordsPerEntry } from '../../src/revocation/packed-entry.js'
import { median } from './machine.js'

const entries = 500_000
const rounds = 5
const farAwayS = 4_000_000_000
const tokenKind = kindOf('t:')

function randomKeys(): Uint32Array {
  const words = new Uint32Array(4 * entries)
  // `getRandomValues` fills at most 65,536 bytes a call.
  for (let start = 0; start < words.length; start += 16_384)
    crypto.getRandomValues(words.subarray(start, start + 16_384))
  return words
}

/** Nanoseconds per step, by the name of the step. */
type Costs = Map<string, number[]>

function timed(costs: Costs, name: string, steps: number, body: () => void): void {
  const startedAt = performance.now()
  body()
  const perStep = ((performance.now() - startedAt) * 1e6) / steps
  costs.set(name, [...(costs.get(name) ?? []), perStep])
}

function round(costs: Costs, present: Uint32Array, absent: Uint32Array, absentKind: string[]) {
  const liveSet = createLiveSet(Date.now)
  const key = new Uint32Array(4)
  const target = new Uint32Array(2_048 * wordsPerEntry)
  timed(costs, 'add', entries, () => {
    for (let entry = 0; entry < entries; entry += 1) {
      for (let word = 0; word < 4; word += 1) key[word] = present[4 * entry + word]!
      liveSet.addPacked(key, farAwayS, tokenKind, 1)
    }
  })
  timed(costs, 'find a present key', entries, () => {
    for (let entry = 0; entry < entries; entry += 1) liveSet.findPacked(present, 4 * entry)
  })
  timed(costs, 'find an absent key', entries, () => {
    for (let entry = 0; entry < entries; entry += 1) liveSet.findPacked(absent, 4 * entry)
  })
  timed(costs, 'find a key of a kind that was never added', absentKind.length, () => {
    for (const text of absentKind) liveSet.find(text as `s:${string}`)
  })
  timed(costs, 'iterate', entries, () => {
    const next = liveSet.iterate()
    while (next(target) > 0);
  })
}

/** Rows of a table: the step, and its median, lowest and highest nanoseconds. */
export function liveSetRows(): string[][] {
  const costs: Costs = new Map()
  const [present, absent] = [randomKeys(), randomKeys()]
  const absentKind = Array.from(
    { length: 100_000 },
    (_, at) => `s:${Buffer.from(absent.buffer, 16 * at, 16).toString('base64url')}`,
  )
  round(new Map(), present, absent, absentKind)
  for (let done = 0; done < rounds; done += 1) round(costs, present, absent, absentKind)
  return [...costs].map(([step, values]) => [
    step,
    median(values).toFixed(0),
    `${Math.min(...values).toFixed(0)} … ${Math.max(...values).toFixed(0)}`,
  ])
}
