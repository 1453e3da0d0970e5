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
  issuerValues: 'JWT_ISSUER_VALUES',
  sessionClaim: 'JWT_SESSION_CLAIM',
  subjectClaim: 'JWT_SUBJECT_CLAIM',
  audienceClaim: 'JWT_AUDIENCE_CLAIM',
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
    return outcome.issuers.map(
      ({ sessionMaxLifetimeS, sessionKeys, backchannelScope, ...verification }) => verification,
    )
  return outcome.faults.map((fault) => fault.replace(/^\S+/, (name) => memberOf(name))).sort()
}
const memberOfEntry = (name: string) => name.replace(/^.*\]\.?/, '')
const memberOfVariable = (name: string) =>
  Object.keys(variableOf).find((member) => variableOf[member] === name) ?? name

/** Mostly the first value, since most of the others are faults. */
const mostly = <T>(value: T, ...others: T[]) =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(value) }, fc.constantFrom(...others))

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
      issuer: mostly(
        'https://issuer.test',
        'https://issuer.test/{tid}/v2.0',
        'https://{a}.test/{b}',
      ),
      issuerValues: mostly(undefined, 'one', 'one,two', 'a/b'),
      sessionClaim: mostly('session_id', 'sid,session_state', 'sid,auth_time', 'tid'),
      subjectClaim: mostly('oid', 'azp', 'jti'),
      audienceClaim: fc.constantFrom('client_id', 'client_id,azp'),
      audience: fc.constant('api'),
      typ: fc.constant('at+jwt'),
    },
    { requiredKeys: ['key', 'issuer'] },
  )
  .map(({ key: [member, value], issuerValues, ...others }): Settings => ({
    [member]: value,
    ...others,
    ...(issuerValues !== undefined && { issuerValues }),
  }))

/** A comma list of variables, as an entry has it. */
const asEntry = (given: Settings): Settings =>
  Object.fromEntries(
    Object.entries(given).map(([member, value]) => [
      member,
      /Values$|Claim$/.test(member) && String(value).includes(',')
        ? String(value).split(',')
        : value,
    ]),
  )

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
        const list = JSON.stringify([asEntry(given)])
        expect(comparable(ofConfig({ JWT_ISSUERS: list }), memberOfEntry)).to.deep.equal(expected)
        expect(comparable(ofGuard(asEntry(given)), memberOfEntry)).to.deep.equal(expected)
      }),
      { numRuns: 500 },
    )
    expect(Math.min(counts.issuers, counts.faults), JSON.stringify(counts)).to.be.above(20)
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

  const faultsOf = (...entries: object[]) => {
    const all = entries.map((entry) => ({ issuer: 'https://issuer.test', ...entry }))
    const keyed = all.map((entry) => ({ secret: hmacSecret, ...entry }))
    const outcome = ofConfig({ JWT_ISSUERS: JSON.stringify(keyed) })
    return 'faults' in outcome ? outcome.faults.map((line) => line.replace('JWT_ISSUERS', '')) : []
  }

  it('name a session by claims that several sessions do not share', () => {
    const shared = ['auth_time', 'iat', 'azp', 'aud', 'client_id', 'sub', 'oid', 'email', 'tid']
    for (const claim of shared)
      for (const sessionClaim of [claim, ['sid', claim]])
        expect(faultsOf({ sessionClaim })).to.deep.equal([
          `[0].sessionClaim has ${claim}, which several sessions share: a logout would end all of them, later ones, too`,
        ])
    expect(faultsOf({ subjectClaim: 'person', sessionClaim: ['sid', 'person'] })).to.have.length(1)
    const tenants = { issuer: 'https://issuer.test/{realm}', audience: 'api' }
    expect(faultsOf({ ...tenants, sessionClaim: 'realm' })).to.have.length(1)
    expect(faultsOf({ ...tenants, subjectClaim: 'realm' })).to.have.length(1)
    for (const sessionClaim of ['sid', 'session_id', ['origin_jti', 'sid'], 'https://app.test/sid'])
      expect(faultsOf({ sessionClaim })).to.deep.equal([])
    for (const wrong of ['', [], 5, null, ['']])
      expect(faultsOf({ sessionClaim: wrong })[0]).to.include('must be a string or an array')
  })

  it('name a subject by a claim that is of one user, in every login', () => {
    for (const subjectClaim of ['azp', 'client_id', 'name', 'iat', 'jti', 'sid'])
      expect(faultsOf({ subjectClaim, sessionClaim: 'session_id' }).join()).to.match(
        /^\[0\]\.subjectClaim is \w+, which/,
      )
    for (const subjectClaim of ['sub', 'oid', 'username', 'email'])
      expect(faultsOf({ subjectClaim })).to.deep.equal([])
  })

  it('have one {claim} in their issuer, with an audience', () => {
    const issuer = 'https://login.test/{tid}/v2.0'
    expect(faultsOf({ issuer, audience: 'api' })).to.deep.equal([])
    expect(faultsOf({ issuer })).to.deep.equal([
      '[0].audience is needed beside an issuer with {claim}, whose tokens are for many audiences',
    ])
    for (const braces of ['{a}/{b}', '{}', '{a', 'a}', '{a b}', '{a}}', '{{a}}'])
      expect(faultsOf({ issuer: `https://login.test/${braces}`, audience: 'api' })).to.deep.equal([
        '[0].issuer may have one {claim}, such as {tid}, and no other brace',
      ])
    expect(faultsOf({ issuerValues: ['a'] })).to.deep.equal([
      '[0].issuerValues needs an issuer with {claim}',
    ])
    expect(faultsOf({ issuer, audience: 'api', issuerValues: ['a', 'b/c', 'd.e'] })).to.deep.equal([
      '[0].issuerValues has b/c, d.e; only A-Z a-z 0-9 _ - are taken',
    ])
  })

  it('do not share an iss with another issuer', () => {
    const named = (issuer: string, issuerValues?: string[]) => ({
      issuer,
      issuerValues,
      audience: 'api',
    })
    const twice = [' names an issuer twice']
    const both = [' has two issuers with {claim} that match one iss']
    const [open, other] = [named('https://a.test/{t}/v2'), named('https://a.test/{u}/v2')]
    expect(faultsOf(open, other)).to.deep.equal(both)
    expect(faultsOf(open, named('https://a.test/x{u}/v2'))).to.deep.equal(both)
    expect(faultsOf(open, named('https://{u}.test/one/v2'))).to.deep.equal(both)
    expect(faultsOf(open, named('https://a.test/{u}'))).to.deep.equal([])
    expect(faultsOf(open, named('https://a.test/b/{u}/v2'))).to.deep.equal([])
    expect(faultsOf(open, named('https://a.test/one/v2'))).to.deep.equal([])
    expect(faultsOf(open, named('https://a.test/{u}/v2', ['one']))).to.deep.equal([])
    const listed = named('https://a.test/{t}/v2', ['one', 'two'])
    expect(faultsOf(listed, named('https://a.test/two/v2'))).to.deep.equal(twice)
    expect(faultsOf(listed, named('https://a.test/{u}/v2', ['two']))).to.deep.equal(twice)
    expect(faultsOf(listed, named('https://a.test/{t}/v2', ['three']))).to.deep.equal([])
  })

  it('have a cutoff claim of their own, or that of all issuers', () => {
    const entry = { issuer: 'x', secret: hmacSecret }
    const claimsOf = (env: Record<string, string>) => {
      const list = [entry, { ...entry, issuer: 'y', cutoffClaim: 'auth_time' }]
      const outcome = ofConfig({ JWT_ISSUERS: JSON.stringify(list), ...env })
      return 'issuers' in outcome && outcome.issuers.map(({ cutoffClaim }) => cutoffClaim)
    }
    expect(claimsOf({})).to.deep.equal(['iat', 'auth_time'])
    expect(claimsOf({ CUTOFF_CLAIM: 'auth_time' })).to.deep.equal(['auth_time', 'auth_time'])
    expect(faultsOf({ cutoffClaim: 'exp' })).to.deep.equal([
      '[0].cutoffClaim must be one of iat, auth_time',
    ])
  })

  it('have a key set without credentials in its URL, and EdDSA under both of its names', () => {
    const remote = (jwksUri: string, more: object = {}) =>
      ofGuard({ issuer: 'https://issuer.test', jwksUri, ...more })
    for (const wrong of ['u:p@', 'u@', ':p@'])
      expect(remote(`https://${wrong}issuer.test/jwks`), wrong).to.have.property('faults')
    const algorithmsOf = (...algorithms: string[]) =>
      remote('https://issuer.test/jwks', { algorithms })
    for (const name of ['EdDSA', 'Ed25519'])
      expect(algorithmsOf('ES256', name))
        .to.have.nested.property('issuers[0].algorithms')
        .that.has.members(['ES256', 'EdDSA', 'Ed25519'])
    expect(algorithmsOf('ES256'))
      .to.have.nested.property('issuers[0].algorithms')
      .that.deep.equals(['ES256'])
  })

  it('find their keys by discovery of an issuer that is a URL, without {claim}', () => {
    const discovery = { discovery: true, secret: undefined }
    expect(faultsOf(discovery)).to.deep.equal([])
    expect(faultsOf({ ...discovery, secret: hmacSecret })).to.deep.equal([])
    expect(faultsOf({ discovery: false })).to.deep.equal([])
    expect(faultsOf({ discovery: false, secret: undefined })).to.deep.equal([
      '[0] needs one of secret, publicKey, jwksUri, discovery',
    ])
    const url = '[0].discovery needs an issuer that is an http or https URL, without query'
    for (const issuer of ['issuer', 'https://issuer.test?a', 'https://u:p@issuer.test', 'ftp://a'])
      expect(faultsOf({ ...discovery, issuer })).to.deep.equal([url])
    const tenants = { issuer: 'https://issuer.test/{tid}', audience: 'api' }
    expect(faultsOf({ ...discovery, ...tenants })).to.deep.equal([
      '[0].discovery does not go with an issuer that has {claim}',
    ])
    expect(faultsOf({ ...discovery, jwksUri: 'https://issuer.test/jwks' })).to.deep.equal([
      '[0].discovery goes without a URL of the key set, which it finds',
    ])
    expect(faultsOf({ discovery: 'yes' })[0]).to.equal('[0].discovery must be one of true, false')
    const ofVariables = ofConfig({ JWT_DISCOVERY: 'true', JWT_ISSUER: 'https://issuer.test' })
    expect(ofVariables).to.have.nested.property('issuers[0].keys.discovery', 'https://issuer.test')
    expect(ofConfig({ JWT_DISCOVERY: 'false' })).to.deep.equal({
      faults: [
        'JWT_DISCOVERY cannot stand without a key: JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_DISCOVERY=true',
      ],
    })
  })
})
