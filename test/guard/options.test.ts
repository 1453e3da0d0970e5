import { createPublicKey } from 'node:crypto'
import { expect } from 'chai'
import { askIntrospection, createGuard, type GuardOptions } from '../../src/guard.js'
import { readGuardOptions } from '../../src/guard/options.js'
import { feedOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { hmacSecret, pemOf, rsa } from '../support/tokens.js'

const feed = feedOf('https://cierre.test')
const issuers = [{ issuer: 'x', secret: hmacSecret }]
const good = { issuers, feed }

/** The lines of the TypeError; none when the options are accepted. */
const faultsOf = (options: unknown): string[] => {
  try {
    readGuardOptions(options)
    return []
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError)
    return (error as TypeError).message.split('\n')
  }
}
const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic

const wrong: [string, object, RegExp][] = [
  [
    'an unknown option',
    { maxStaleness: 5 },
    /^options has members that are not known: maxStaleness \(did you mean maxStalenessMs\?\)$/,
  ],
  [
    'an unknown option of the feed',
    { feed: { ...feed, timeout: 5 } },
    /^feed has members that are not known: timeout$/,
  ],
  [
    'an unknown member of an entry',
    { issuers: [{ ...issuers[0], algorithm: 'HS256' }] },
    /^issuers\[0\] has members that are not known: algorithm \(did you mean algorithms\?\)$/,
  ],
  [
    'a setting of the service',
    { issuers: [{ ...issuers[0], sessionKeys: ['sess:{sid}'], backchannelScope: 'odd' }] },
    /^issuers\[0\] has sessionKeys, backchannelScope: settings of the service, which a guard has no use for$/,
  ],
  ['no feed', { feed: undefined }, /^feed is undefined$/],
  ['a feed that is its address', { feed: 'https://cierre.test' }, /^feed must be an object$/],
  [
    'an undefined clientSecret',
    { feed: { ...feed, clientSecret: undefined } },
    /^feed\.clientSecret is undefined$/,
  ],
  [
    'an empty clientSecret',
    { feed: { ...feed, clientSecret: '' } },
    /^feed\.clientSecret must be a string that is not empty$/,
  ],
  [
    'an undefined clientId',
    { feed: { ...feed, clientId: undefined } },
    /^feed\.clientId is undefined$/,
  ],
  [
    'a clientId that is a number',
    { feed: { ...feed, clientId: 5 } },
    /^feed\.clientId must be a string that is not empty$/,
  ],
  [
    'a clientId that has no UTF-8 form',
    { feed: { ...feed, clientId: '\ud800' } },
    /^feed\.clientId must be a string/,
  ],
  ['an undefined url', { feed: { ...feed, url: undefined } }, /^feed\.url is undefined$/],
  [
    'a url with a password',
    { feed: { ...feed, url: 'https://:p@cierre.test' } },
    /^feed\.url must be an origin/,
  ],
  [
    'a url with a fragment',
    { feed: { ...feed, url: 'https://cierre.test#x' } },
    /^feed\.url must be an origin/,
  ],
  [
    'issuers that are one',
    { issuers: issuers[0] },
    /^issuers must be an array of entries that is not empty$/,
  ],
  [
    'issuers as the text of JWT_ISSUERS',
    { issuers: JSON.stringify(issuers) },
    /^issuers must be an array/,
  ],
  ['no issuers', { issuers: undefined }, /^issuers must be an array/],
  ['an entry that is none', { issuers: [null] }, /^issuers\[0\] must be an object$/],
  [
    'an entry without issuer beside others',
    { issuers: [...issuers, { secret: hmacSecret }] },
    /^issuers\[1\]\.issuer is missing, which only a single entry may leave out$/,
  ],
  ['an issuer twice', { issuers: [...issuers, ...issuers] }, /^issuers names an issuer twice$/],
  [
    'an empty issuer',
    { issuers: [{ ...issuers[0], issuer: '' }] },
    /^issuers\[0\]\.issuer must be a string that is not empty$/,
  ],
  [
    'a short secret',
    { issuers: [{ secret: 'short' }] },
    /^issuers\[0\]\.secret must be at least 32 bytes long for HS256$/,
  ],
  [
    'a symmetric key in a JWKS',
    { issuers: [{ publicKey: { keys: [{ kty: 'oct', k: 'AAAA' }] } }] },
    /^issuers\[0\]\.publicKey holds a symmetric key, which has to be configured as a shared secret$/,
  ],
  [
    'a private key',
    { issuers: [{ publicKey: rsa.privateKey.export({ format: 'jwk' }) }] },
    /^issuers\[0\]\.publicKey is a private key; give the public one$/,
  ],
  [
    'a key object',
    { issuers: [{ publicKey: createPublicKey(pemOf('RS256')) }] },
    /^issuers\[0\]\.publicKey holds a key that cannot be read$/,
  ],
  [
    'a key that refers to itself',
    { issuers: [{ publicKey: cyclic }] },
    /^issuers\[0\]\.publicKey must be PEM, a JWK or a JWKS$/,
  ],
  [
    'algorithms of another family',
    { issuers: [{ ...issuers[0], algorithms: 'RS256' }] },
    /^issuers\[0\]\.algorithms has RS256, which does not go with a shared secret$/,
  ],
  [
    'maxStalenessMs as text',
    { maxStalenessMs: '5' },
    /^maxStalenessMs must be a number from 100 to 3600000$/,
  ],
  ['maxStalenessMs null', { maxStalenessMs: null }, /^maxStalenessMs must/],
  ['maxStalenessMs NaN', { maxStalenessMs: NaN }, /^maxStalenessMs must/],
  ['maxRemembered 1', { maxRemembered: 1 }, /^maxRemembered must be a number from 2/],
  [
    'a fraction of a second of skew',
    { maxClockSkewS: 0.5 },
    /^maxClockSkewS must be a whole number from 0 to 3600$/,
  ],
  [
    'onUnknown as a word',
    { onUnknown: 'active' },
    /^onUnknown must be a function, such as askIntrospection gives$/,
  ],
  ['requireExp as text', { requireExp: 'true' }, /^requireExp must be one of true, false$/],
  ['cutoffClaim exp', { cutoffClaim: 'exp' }, /^cutoffClaim must be one of iat, auth_time$/],
  [
    'senderConstrained true',
    { senderConstrained: true },
    /^senderConstrained must be one of refuse, ignore$/,
  ],
  [
    'half a clock',
    { clock: { now: Date.now } },
    /^clock must be an object with the functions now and monotonicMs$/,
  ],
]

describe('the options of a guard', () => {
  for (const [what, options, message] of wrong) {
    it(`one clear message: ${what}`, () => {
      const faults = faultsOf({ ...good, ...options })
      expect(faults).to.have.length(1)
      expect(faults[0]).to.match(message)
      expect(faults[0])
        .not.to.include(hmacSecret)
        .and.not.to.include(feed.clientSecret)
        .and.not.to.match(/[A-Z]+_[A-Z]/)
    })
  }

  it('TypeError names the key that an unset variable leaves undefined', () => {
    expect(
      faultsOf({ feed, issuers: [{ secret: process.env['A_VARIABLE_THAT_IS_NOT_SET'] }] }),
    ).to.deep.equal([
      'issuers[0].secret is undefined',
      'issuers[0] needs one of secret, publicKey, jwksUri, discovery',
    ])
    expect(faultsOf({ feed, issuers: [{ secret: hmacSecret, jwksUri: undefined }] })).to.deep.equal(
      [],
    )
  })

  it('one TypeError names every fault', () => {
    const options = {
      issuers: [{ secret: 'short' }],
      feed: { url: 'cierre', clientId: '', clientSecret: undefined },
      maxStalenessMs: 0,
      onUnknown: 'x',
      more: 1,
    }
    const faults = faultsOf(options)
    expect(faults.map((fault) => fault.split(' ')[0])).to.deep.equal([
      'options',
      'issuers[0].secret',
      'onUnknown',
      'feed.clientId',
      'feed.clientSecret',
      'feed.url',
      'maxStalenessMs',
    ])
    expect(() => createGuard(options as unknown as GuardOptions)).to.throw(
      TypeError,
      faults.join('\n'),
    )
  })

  it('TypeError for options that are no object', () => {
    expect([undefined, null, [], 'x'].map(faultsOf)).to.deep.equal([
      ['options is undefined'],
      ['options must be an object'],
      ['options must be an object'],
      ['options must be an object'],
    ])
  })

  it('an optional member that is undefined counts as absent', () => {
    const names = [
      'maxStalenessMs',
      'onUnknown',
      'requireExp',
      'cutoffClaim',
      'maxClockSkewS',
      'senderConstrained',
      'maxRemembered',
      'clock',
    ]
    const members = [
      'issuer',
      'audience',
      'algorithms',
      'publicKey',
      'jwksUri',
      'typ',
      'sessionKeys',
      'sessionMaxLifetimeS',
    ]
    const undefinedOf = (all: string[]) => Object.fromEntries(all.map((name) => [name, undefined]))
    const single = { secret: hmacSecret }
    expect(
      readGuardOptions({
        ...undefinedOf(names),
        feed,
        issuers: [{ ...undefinedOf(members), ...single }],
      }),
    ).to.deep.equal(readGuardOptions({ feed, issuers: [single] }))
  })

  for (const [name, open] of Object.entries({
    'the feed': (parts: typeof feed & { insecure?: unknown }): void =>
      void createGuard({ issuers, feed: parts as typeof feed }).close(),
    askIntrospection: (parts: typeof feed & { insecure?: unknown }): void =>
      void askIntrospection(parts as typeof feed),
  }))
    it(`${name} takes http: in a private network if told so, with a warning, and nowhere else`, async () => {
      const warnings: Error[] = []
      const note = (warning: Error) => void warnings.push(warning)
      process.on('warning', note)
      const from = (url: string, insecure?: unknown) => () => open({ ...feed, url, insecure })
      try {
        const hosts = [
          '10.1.2.3:3000',
          '172.16.0.1',
          '192.168.1.1',
          '[fd00::1]',
          'cierre',
          'a.test',
        ]
        for (const host of hosts) {
          expect(from(`http://${host}`)).to.throw(TypeError, 'url must be an origin')
          expect(from(`http://${host}`, false)).to.throw(TypeError, 'url must be an origin')
          expect(from(`http://${host}`, true)).not.to.throw()
        }
        for (const url of ['https://cierre.test', 'http://127.0.0.1:3000'])
          expect(from(url, true)).not.to.throw()
        for (const url of [
          'http://203.0.113.7',
          'http://172.32.0.1',
          'http://[2001:db8::1]',
          'http://u:p@a.test',
          'ftp://a.test',
          'http://a.test/x',
        ])
          expect(from(url, true), url).to.throw(TypeError, 'http:// in a private network')
        expect(from('http://a.test', 'yes')).to.throw(
          TypeError,
          'insecure must be one of true, false',
        )
        await until('Node has warned', () => warnings.length >= hosts.length)
        expect(warnings.map(({ message }) => message.includes('http://'))).to.deep.equal(
          hosts.map(() => true),
        )
      } finally {
        process.off('warning', note)
      }
    })

  it('askIntrospection checks its options, too', () => {
    const parts = { url: 'https://cierre.test', clientId: 'api', clientSecret: 'x' }
    const ask = (options: object | undefined) => () => askIntrospection(options as typeof parts)
    expect(ask(parts)()).to.be.a('function')
    expect(ask({ ...parts, timeoutMs: undefined })()).to.be.a('function')
    expect(ask({ ...parts, clientSecret: undefined, timeoutMs: '5' })).to.throw(
      TypeError,
      'askIntrospection: clientSecret is undefined\naskIntrospection: timeoutMs must be a number from 1 to 60000',
    )
    expect(ask({ ...parts, url: 'http://cierre.test' }), 'a secret in clear').to.throw(
      TypeError,
      'url must be an origin',
    )
    expect(ask({ ...parts, secret: 'x' })).to.throw(
      TypeError,
      'options has members that are not known: secret',
    )
    expect(ask(undefined)).to.throw(TypeError, 'options is undefined')
  })
})
