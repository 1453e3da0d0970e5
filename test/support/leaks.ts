// Values that must not turn up in a log or under a key of cierre, and everything that was logged or stored, over the whole suite.
import { expect } from 'chai'

const planted = new Set<string>()
const seen: string[] = []

export const plant = (value: string): string => {
  planted.add(value)
  return value
}

export const saw = (text: string): void => void seen.push(text)

export const mochaHooks = {
  afterAll() {
    // A part of the suite may need no service at all.
    if (planted.size === 0) return
    const everything = seen.join('\n')
    expect(everything.length, 'something was logged and stored').to.be.greaterThan(0)
    const leaked = [...planted].filter((value) => everything.includes(value))
    expect(leaked, 'tokens, signatures, jti or sid in a log or under a key').to.deep.equal([])
  },
}
