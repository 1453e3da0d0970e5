import { expect } from 'chai'
import fc from 'fast-check'
import { ConfigError, parseConfig } from '../../src/config/config.js'
import { readGuardOptions } from '../../src/guard/options.js'
import type { IssuerConfig } from '../../src/token/issuer-options.js'
import { feedOf } from '../support/guard.js'
import { hmacSecret, pemOf, rsa } from '../support/tokens.js'

/**
 * The settings of one issuer, as variables, as an entry of `JWT_ISSUERS`, and as an entry of a
 * guard.
 */
type Settings = Readonly<Record<string, string | string[]>>
const variableOf: Record<string, string> = {
  issuer: 'JWT_ISSUER',
  audience: 'JWT_AUDIENCE',
  typ: 'JWT_TYP',
  algorithms: 'JWT_ALGORITHMS',
  secret: 'JWT_SECRET',
  publicKey: 'JWT_PUBLIC_KEY',
  jwksUri: 'JWT_JWKS_URI',
}
type Outcome = { issuers: readonly IssuerConfig[] } | { faults: string[] }

const ofConfig = (env: Record<string, string>): Outcome => {
  try {
    return { issuers: parseConfig({ REDIS_URL: 'memory:', ...env }).issuers }
  } catch (error) {
    return { faults: [...(error as ConfigError).faults] }
  }
}
const ofGuard = (entry: object): Outcome => {
  try {
    const { issuers } = readGuardOptions({ issuers: [entry], feed: feedOf('https://cierre.test') })
    return { issuers }
  } catch (error) {
    return { faults: (error as Error).message.split('\n') }
  }
}

/**
 * The faults by member, or the members of the issuer that verification needs. A guard has only these.
 */
function comparable(outcome: Outcome, memberOf: (name: string) => string): unknown {
  if ('issuers' in outcome)
    return outcome.issuers.map(({ issuer, audience, typ, algorithms, keys }) => ({
      issuer,
      audience,
      typ,
      algorithms,
      keys,
    }))
  return outcome.faults.map((fault) => fault.replace(/^\S+/, (name) => memberOf(name))).sort()
}
const memberOfEntry = (name: string) => name.replace(/^.*\]\.?/, '')
const memberOfVariable = (name: string) =>
  Object.keys(variableOf).find((member) => variableOf[member] === name) ?? name

const settings = fc
  .record(
    {
      key: fc.constantFrom<[string, string]>(
        ['secret', hmacSecret],
        ['secret', 'short'],
        ['publicKey', pemOf('RS256')],
        ['publicKey', pemOf('ES256').replaceAll('\n', '\\n')],
        ['publicKey', JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))],
        ['publicKey', '{"keys":[]}'],
        ['publicKey', 'nonsense'],
        ['jwksUri', 'https://issuer.test/jwks'],
        ['jwksUri', 'https://user:password@issuer.test/jwks'],
        ['jwksUri', 'file:///etc/passwd'],
      ),
      algorithms: fc.uniqueArray(
        fc.constantFrom('HS256', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519', 'none'),
        { minLength: 1, maxLength: 3 },
      ),
      issuer: fc.constant('https://issuer.test'),
      audience: fc.constant('api'),
      typ: fc.constant('at+jwt'),
    },
    { requiredKeys: ['key', 'issuer'] },
  )
  .map(({ key: [member, value], ...others }): Settings => ({ [member]: value, ...others }))

describe('the settings of an issuer', () => {
  it('give the same issuer or the same faults as variables, in JWT_ISSUERS and in a guard', () => {
    const counts = { issuers: 0, faults: 0 }
    fc.assert(
      fc.property(settings, (given) => {
        const variables: Record<string, string> = {}
        for (const [member, value] of Object.entries(given))
          variables[variableOf[member] ?? ''] = String(value)
        const byVariables = ofConfig(variables)
        const expected = comparable(byVariables, memberOfVariable)
        counts['issuers' in byVariables ? 'issuers' : 'faults'] += 1
        const list = JSON.stringify([given])
        expect(comparable(ofConfig({ JWT_ISSUERS: list }), memberOfEntry)).to.deep.equal(expected)
        expect(comparable(ofGuard(given), memberOfEntry)).to.deep.equal(expected)
      }),
      { numRuns: 300 },
    )
    expect(Math.min(counts.issuers, counts.faults)).to.be.above(20)
  })

  it('of the service alone have their defaults everywhere', () => {
    const ofVariables = ofConfig({ JWT_SECRET: hmacSecret, JWT_ISSUER: 'x' })
    const entry = { issuer: 'x', secret: hmacSecret, sessionMaxLifetimeS: null }
    const ofEntry = ofConfig({ JWT_ISSUERS: JSON.stringify([entry]) })
    expect(ofEntry).to.deep.equal(ofVariables)
    expect(ofEntry).to.have.nested.include({
      'issuers[0].sessionMaxLifetimeS': 2_592_000,
      'issuers[0].backchannelTyp': 'logout+jwt',
      'issuers[0].backchannelScope': 'both',
    })
    expect(ofEntry).to.have.deep.nested.property('issuers[0].backchannelAllow', [])
  })

  it('say what logout tokens may lack or have; backchannelTyp any is typ-jwt and typ-absent', () => {
    const allowed = (settings: object, variables: Record<string, string>) => {
      const entry = { issuer: 'x', secret: hmacSecret, ...settings }
      const outcomes = [
        ofConfig({ JWT_ISSUERS: JSON.stringify([entry]) }),
        ofConfig({ JWT_ISSUER: 'x', JWT_SECRET: hmacSecret, ...variables }),
      ]
      const demands = outcomes.map((outcome) => {
        if ('faults' in outcome) return outcome.faults.map((line) => line.replace(/^\S+ /, ''))
        return outcome.issuers.map((one) => [one.backchannelTyp, one.backchannelAllow])
      })
      expect(demands[1]).to.deep.equal(demands[0])
      return demands[0]
    }
    expect(
      allowed(
        { backchannelAllow: ['no-exp', 'typ-jwt'] },
        { JWT_BACKCHANNEL_ALLOW: 'no-exp, typ-jwt' },
      ),
    ).to.deep.equal([['logout+jwt', ['no-exp', 'typ-jwt']]])
    expect(
      allowed(
        { backchannelTyp: 'any', backchannelAllow: 'no-jti' },
        { JWT_BACKCHANNEL_TYP: 'any', JWT_BACKCHANNEL_ALLOW: 'no-jti' },
      ),
    ).to.deep.equal([['logout+jwt', ['no-jti', 'typ-jwt', 'typ-absent']]])
    expect(
      allowed(
        { backchannelAllow: ['no-exp', 'noexp', 'no_jti'] },
        { JWT_BACKCHANNEL_ALLOW: 'no-exp,noexp,no_jti' },
      ),
    ).to.deep.equal(['has noexp, no_jti; it may have typ-jwt, typ-absent, no-exp, no-jti'])
  })
})
