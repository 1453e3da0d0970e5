// Values that must not turn up in a log or under a key of cierre, and everything that was logged or stored, over the whole suite.
import { expect } from 'chai'

const word = /[A-Za-z0-9_-]{16,}/g
const planted = new Set<string>()
const seen = new Set<string>()

/** Every part of it that is long enough to be unmistakable: the segments of a token, an id, a secret. */
export const plant = (value: string): string => {
  for (const [part] of value.matchAll(word)) planted.add(part)
  return value
}

export const saw = (text: string): void => {
  for (const [part] of text.matchAll(word)) seen.add(part)
}

export const mochaHooks = {
  afterAll() {
    // A part of the suite may need no service at all.
    if (planted.size === 0) return
    expect(seen.size, 'words were logged and stored').to.be.greaterThan(0)
    expect(
      [...planted].filter((value) => seen.has(value)),
      'parts of tokens, jti, sid or secrets in a log or under a key',
    ).to.deep.equal([])
  },
}
