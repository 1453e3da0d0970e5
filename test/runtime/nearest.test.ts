import { expect } from 'chai'
import { nearest } from '../../src/runtime/nearest.js'

describe('the nearest name', () => {
  const names = ['publicUrl', 'sessionKeys', 'sessionCookies', 'maxStalenessMs', 'log']

  it('is the one with the fewest letters changed; case, hyphens and underscores do not count', () => {
    const meant: [string, string][] = [
      ['publicURL', 'publicUrl'],
      ['PUBLIC_URL', 'publicUrl'],
      ['public-url', 'publicUrl'],
      ['pubicUrl', 'publicUrl'],
      ['sesionKey', 'sessionKeys'],
      ['sessionCookie', 'sessionCookies'],
      ['maxStaleness', 'maxStalenessMs'],
      ['logs', 'log'],
      ['lgo', 'log'],
      ['sesisonKeys', 'sessionKeys'],
      ['lo', 'log'],
    ]
    for (const [given, name] of meant) expect(nearest(given, names), given).to.equal(name)
  })

  it('is none where all are far away', () => {
    for (const given of ['x', 'port', 'timeout', 'secret', ''])
      expect(nearest(given, names), given).to.equal(undefined)
    expect(nearest('publicUrl', [])).to.equal(undefined)
  })
})
