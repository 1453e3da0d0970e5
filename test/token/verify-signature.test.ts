import { expect } from 'chai'
import { faultOfShortLife } from '../../src/token/verify-signature.js'

const nowS = 1_795_000_000
const faultOf = (times: Readonly<Record<string, unknown>>) =>
  faultOfShortLife(times, { nowMs: nowS * 1000, maxClockSkewMs: 5_000 })

describe('the times of a JWT that is made for one use', () => {
  it('has an exp, which gets no leeway', () => {
    expect([undefined, NaN, Infinity].map((exp) => faultOf({ exp }))).to.deep.equal(
      Array(3).fill('no_exp'),
    )
    expect([-1, 0, 0.001, 1].map((aheadS) => faultOf({ exp: nowS + aheadS }))).to.deep.equal([
      'expired',
      'expired',
      undefined,
      undefined,
    ])
  })

  for (const name of ['iat', 'nbf'])
    it(`${name} may be ahead by the clock skew, and is a number where it is there`, () => {
      const exp = nowS + 60
      expect(
        [-1, 0, 5, 5.001, NaN, -Infinity].map((aheadS) => faultOf({ exp, [name]: nowS + aheadS })),
      ).to.deep.equal([undefined, undefined, undefined, 'not_yet_valid', 'claims', 'claims'])
    })

  it('lives ten minutes at most: from its iat, or else from now and the clock skew', () => {
    expect([599, 600, 601].map((lifeS) => faultOf({ iat: nowS, exp: nowS + lifeS }))).to.deep.equal(
      [undefined, undefined, 'lives_too_long'],
    )
    expect([604, 605, 606].map((lifeS) => faultOf({ exp: nowS + lifeS }))).to.deep.equal([
      undefined,
      undefined,
      'lives_too_long',
    ])
  })
})
