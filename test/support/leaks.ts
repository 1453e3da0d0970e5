// No secret value may be in a log, or in what cierre stores in Redis. Each process of the suite checks
// that for everything that its tests logged and stored.
import { expect } from 'chai'

const word = /[A-Za-z0-9_-]{16,}/g
const planted = new Set<string>()
const seen = new Set<string>()

const wordsOf = (text: string) => [...text.matchAll(word)].map(([part]) => part)

/** Registers every part of a secret value that is long enough to be found by itself. */
export const plant = (value: string): string => {
  for (const part of wordsOf(value)) planted.add(part)
  return value
}

/** Registers a text that was logged or stored. */
export const saw = (text: string): void => {
  for (const part of wordsOf(text)) seen.add(part)
}

export const hasSeen = (text: string): boolean => wordsOf(text).every((part) => seen.has(part))

export const mochaHooks = {
  afterAll() {
    expect(
      [...planted].filter((value) => seen.has(value)),
      'parts of tokens, jti, sid or secrets in a log or under a key',
    ).to.deep.equal([])
  },
}
