import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ConfigError, parseConfig } from '../../src/config/config.js'
import { hmacSecret, pemOf, rsa } from '../support/tokens.js'

const good = { JWT_SECRET: hmacSecret, REDIS_URL: 'memory:' }
const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()
const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const onRedis = { REDIS_URL: 'redis://127.0.0.1:1' }

const withTransmitters = { JWT_ISSUER: 'https://a.test', PUBLIC_URL: 'https://cierre.test' }
const transmitterEntry = (more: object) =>
  JSON.stringify([
    {
      issuer: 'https://idp.test',
      jwksUri: 'https://idp.test/keys',
      allow: ['gtr'],
      tokenIssuers: ['https://a.test'],
      ...more,
    },
  ])

const wrong: [string, Record<string, string>, RegExp][] = [
  ['PORT', { PORT: '70000' }, /^PORT must be a whole number from 0 to 65535$/],
  ['PORT with a sign', { PORT: '-1' }, /^PORT must/],
  ['REDIS_URL with a path', { REDIS_URL: 'redis://127.0.0.1/x' }, /^REDIS_URL must be a redis:/],
  [
    'REDIS_URL with a broken password',
    { REDIS_URL: 'redis://:p%zz@127.0.0.1' },
    /^REDIS_URL must be a redis:/,
  ],
  ['REDIS_CA_FILE that is none', { REDIS_CA_FILE: '/dev/null' }, /^REDIS_CA_FILE/],
  [
    'TLS files that are none',
    { TLS_CERT_FILE: 'package.json', TLS_KEY_FILE: 'package.json' },
    /^TLS_CERT_FILE and TLS_KEY_FILE must hold/,
  ],
  [
    'options without a key',
    { JWT_SECRET: '', JWT_ISSUER: 'https://a.test', JWT_ALGORITHMS: 'bogus' },
    /^JWT_ISSUER, JWT_ALGORITHMS cannot stand without a key/,
  ],
  [
    'a key for encryption',
    {
      JWT_SECRET: '',
      JWT_PUBLIC_KEY: JSON.stringify({ ...rsa.publicKey.export({ format: 'jwk' }), use: 'enc' }),
    },
    /^JWT_PUBLIC_KEY holds a key whose use or key_ops does not allow to verify$/,
  ],
  [
    'a key with an odd alg',
    {
      JWT_SECRET: '',
      JWT_PUBLIC_KEY: JSON.stringify({
        ...rsa.publicKey.export({ format: 'jwk' }),
        alg: 'RSA-OAEP',
      }),
    },
    /^JWT_PUBLIC_KEY holds a key whose alg/,
  ],
  [
    'a key with odd key_ops',
    {
      JWT_SECRET: '',
      JWT_PUBLIC_KEY: JSON.stringify({ ...rsa.publicKey.export({ format: 'jwk' }), key_ops: 5 }),
    },
    /^JWT_PUBLIC_KEY holds a key whose key_ops/,
  ],
  [
    'JWT_JWKS_URI with a password',
    { JWT_SECRET: '', JWT_JWKS_URI: 'https://u:p@a.test' },
    /^JWT_JWKS_URI must be an http or https URL, without/,
  ],
  [
    'REDIS_URL with a password that is no UTF-8',
    { REDIS_URL: 'redis://:p%e9ss@127.0.0.1' },
    /^REDIS_URL must be a redis:/,
  ],
  ['TRUST_PROXY everybody', { TRUST_PROXY: '0.0.0.0/0' }, /^TRUST_PROXY has 0.0.0.0\/0;/],
  ['TRUST_PROXY half an address', { TRUST_PROXY: '10,loopback' }, /^TRUST_PROXY has 10;/],
  [
    'TRUST_PROXY no hops',
    { TRUST_PROXY: '0' },
    /^TRUST_PROXY must be a whole number from 1 to 32, if it is a number of hops$/,
  ],
  ['TRUST_PROXY too many hops', { TRUST_PROXY: '33' }, /^TRUST_PROXY must be a whole number from/],
  [
    'RATE_LIMIT_ADDRESS with a window that no timer has',
    { RATE_LIMIT_ADDRESS: '1/2147484' },
    /^RATE_LIMIT_ADDRESS must be .* up to 999999999999999 requests, and up to 2147483 seconds$/,
  ],
  [
    'RATE_LIMIT_ADDRESS with more than a header field can say',
    { RATE_LIMIT_ADDRESS: '1000000000000000/1' },
    /^RATE_LIMIT_ADDRESS must be /,
  ],
  [
    'TRUST_PROXY half a range',
    { TRUST_PROXY: '10.0/8,0x7f.1' },
    /^TRUST_PROXY has 10.0\/8, 0x7f.1;/,
  ],
  ['CLIENTS that is no JSON', { CLIENTS: '{' }, /^CLIENTS is not JSON: line 1, column 2$/],
  ['CLIENTS that is no array', { CLIENTS: '{}' }, /^CLIENTS must be an array$/],
  [
    'a client with a plain secret',
    { CLIENTS: '[{"id":"a","secretSha256":"secret","allow":["revoke"]}]' },
    /^CLIENTS\[0\]: secretSha256 must be 64 hex digits/,
  ],
  [
    'a client with an unknown permission',
    { CLIENTS: `[{"id":"a","secretSha256":"${'0'.repeat(64)}","allow":["fly"]}]` },
    /^CLIENTS\[0\]: allow must be an array of introspect/,
  ],
  [
    'a client with audiences and the feed',
    {
      CLIENTS: `[{"id":"a","secretSha256":"${'0'.repeat(64)}","allow":["feed"],"audiences":["x"]}]`,
    },
    /^CLIENTS\[0\]: audiences and the permission feed exclude/,
  ],
  [
    'a client with claims that are no names',
    {
      CLIENTS: `[{"id":"a","secretSha256":"${'0'.repeat(64)}","allow":["introspect"],"claims":"role"}]`,
    },
    /^CLIENTS\[0\]: claims must be an array of names of claims/,
  ],
  [
    'a client with claims that are members of the answer',
    {
      CLIENTS: `[{"id":"a","secretSha256":"${'0'.repeat(64)}","allow":["introspect"],"claims":["role","active"]}]`,
    },
    /^CLIENTS\[0\]: claims must be .* without active and token_type$/,
  ],
  [
    'TRANSMITTERS without PUBLIC_URL',
    { JWT_ISSUER: 'https://a.test', TRANSMITTERS: transmitterEntry({}) },
    /^TRANSMITTERS\[0\]\.audience is needed without PUBLIC_URL/,
  ],
  [
    'TRANSMITTERS for tokens of an issuer that is not configured',
    {
      ...withTransmitters,
      TRANSMITTERS: transmitterEntry({ tokenIssuers: ['https://a.test', 'https://b.test'] }),
    },
    /^TRANSMITTERS\[0\]\.tokenIssuers has https:\/\/b\.test, which is no issuer of tokens here$/,
  ],
  [
    'TRANSMITTERS whose own issuer is not configured, without tokenIssuers',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ tokenIssuers: undefined }) },
    /^TRANSMITTERS\[0\]\.tokenIssuers has https:\/\/idp\.test, which/,
  ],
  [
    'TRANSMITTERS without a key',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ jwksUri: undefined }) },
    /^TRANSMITTERS\[0\] must have one of publicKey, jwksUri, discovery$/,
  ],
  [
    'TRANSMITTERS with two kinds of keys',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ discovery: true }) },
    /^TRANSMITTERS\[0\] must have one of publicKey, jwksUri, discovery$/,
  ],
  [
    'TRANSMITTERS with a shared secret',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ secret: 'x'.repeat(64) }) },
    /^TRANSMITTERS\[0\] has members that are not known: secret/,
  ],
  [
    'TRANSMITTERS with a shared secret as public key',
    {
      ...withTransmitters,
      TRANSMITTERS: transmitterEntry({ jwksUri: undefined, publicKey: { kty: 'oct', k: 'eA' } }),
    },
    /^TRANSMITTERS\[0\]\.publicKey /,
  ],
  [
    'TRANSMITTERS that may send something else',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ allow: ['ssf'] }) },
    /^TRANSMITTERS\[0\]\.allow has ssf; it may have gtr$/,
  ],
  [
    'TRANSMITTERS that may send nothing',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ allow: [] }) },
    /^TRANSMITTERS\[0\]\.allow must have one of gtr at least$/,
  ],
  [
    'TRANSMITTERS without issuer',
    { ...withTransmitters, TRANSMITTERS: transmitterEntry({ issuer: undefined }) },
    /^TRANSMITTERS\[0\]\.issuer is needed$/,
  ],
  [
    'TRANSMITTERS with one issuer twice',
    {
      ...withTransmitters,
      TRANSMITTERS: `[${[1, 2].map(() => transmitterEntry({}).slice(1, -1)).join()}]`,
    },
    /^TRANSMITTERS names a transmitter twice$/,
  ],
  [
    'AUTH_COOKIE without an origin',
    { AUTH_COOKIE: 'token' },
    /^AUTH_COOKIE needs PUBLIC_URL or CORS/,
  ],
  ['PUBLIC_URL', { PUBLIC_URL: 'https://a.test/path' }, /^PUBLIC_URL must be an origin/],
  ['REDIS_URL', { REDIS_URL: 'http://x' }, /^REDIS_URL must be a redis:/],
  ['REDIS_URL absent', { REDIS_URL: '' }, /^REDIS_URL must be set; REDIS_URL=memory: accepts/],
  [
    'REDIS_CA_FILE',
    { REDIS_CA_FILE: '/nonexistent' },
    /^REDIS_CA_FILE names a file that cannot be read \(ENOENT\)$/,
  ],
  ['REDIS_MIN_REPLICAS', { REDIS_MIN_REPLICAS: 'many' }, /^REDIS_MIN_REPLICAS must/],
  [
    'REDIS_MIN_REPLICAS without Redis',
    { REDIS_MIN_REPLICAS: '1' },
    /^REDIS_MIN_REPLICAS needs a Redis/,
  ],
  [
    'a short secret',
    { JWT_SECRET: 'short' },
    /^JWT_SECRET must be at least 32 bytes long for HS256$/,
  ],
  [
    'a secret short for HS512',
    { JWT_SECRET: 'x'.repeat(63), JWT_ALGORITHMS: 'HS512' },
    /^JWT_SECRET must be at least 64 bytes/,
  ],
  [
    'an unknown algorithm',
    { JWT_ALGORITHMS: 'HS1' },
    /^JWT_ALGORITHMS has HS1, which cierre does not know$/,
  ],
  [
    'algorithm none',
    { JWT_ALGORITHMS: 'none' },
    /^JWT_ALGORITHMS has none, which cierre does not know$/,
  ],
  [
    'two families',
    { JWT_ALGORITHMS: 'HS256,RS256' },
    /^JWT_ALGORITHMS has RS256, which does not go with a shared secret$/,
  ],
  [
    'an algorithm that no key is for',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: pemOf('RS256'), JWT_ALGORITHMS: 'ES256' },
    /^JWT_ALGORITHMS has ES256, which no key is for$/,
  ],
  [
    'a secret as a file that is not there',
    { JWT_SECRET: '', JWT_SECRET_FILE: '/nonexistent' },
    /^JWT_SECRET_FILE names a file that cannot be read/,
  ],
  [
    'a secret twice',
    { JWT_SECRET_FILE: '/dev/null' },
    /^JWT_SECRET and JWT_SECRET_FILE are both set$/,
  ],
  [
    'a weak RSA key',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: weakRsa },
    /^JWT_PUBLIC_KEY holds an RSA key under 2048 bits$/,
  ],
  [
    'a private key',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: privatePem },
    /^JWT_PUBLIC_KEY is a private key \(PRIVATE KEY\); give the public one$/,
  ],
  [
    'a private JWK',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: JSON.stringify(rsa.privateKey.export({ format: 'jwk' })) },
    /^JWT_PUBLIC_KEY is a private key/,
  ],
  ['no key at all', { JWT_SECRET: '', JWT_PUBLIC_KEY: 'hello' }, /^JWT_PUBLIC_KEY is neither PEM/],
  [
    'broken PEM',
    {
      JWT_SECRET: '',
      JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    },
    /^JWT_PUBLIC_KEY is PEM that cannot be read$/,
  ],
  [
    'an empty JWKS',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: '{"keys":[]}' },
    /^JWT_PUBLIC_KEY a JWKS needs/,
  ],
  [
    'a symmetric JWK',
    { JWT_SECRET: '', JWT_PUBLIC_KEY: '{"kty":"oct","k":"AAAA"}' },
    /^JWT_PUBLIC_KEY holds a symmetric key/,
  ],
  [
    'JWT_JWKS_URI',
    { JWT_SECRET: '', JWT_JWKS_URI: 'file:///etc/passwd' },
    /^JWT_JWKS_URI must be an http or https URL/,
  ],
  ['JWT_REQUIRE_EXP', { JWT_REQUIRE_EXP: 'yes' }, /^JWT_REQUIRE_EXP must be one of true, false$/],
  ['CUTOFF_CLAIM', { CUTOFF_CLAIM: 'exp' }, /^CUTOFF_CLAIM must be one of iat, auth_time$/],
  [
    'JWT_ISSUERS beside JWT_SECRET',
    { JWT_ISSUERS: '[{"issuer":"a","jwksUri":"https://a.test"}]' },
    /^JWT_ISSUERS stands instead of JWT_SECRET, not beside$/,
  ],
  [
    'JWT_ISSUERS that is no JSON',
    { JWT_SECRET: '', JWT_ISSUERS: '\ufeff[\n  {"issuer": secret}]' },
    /^JWT_ISSUERS is not JSON: line 2, column 14$/,
  ],
  [
    'JWT_ISSUERS that is empty',
    { JWT_SECRET: '', JWT_ISSUERS: '[]' },
    /^JWT_ISSUERS must be an array that is not empty$/,
  ],
  [
    'an issuer without a name',
    { JWT_SECRET: '', JWT_ISSUERS: '[{"jwksUri":"https://a.test"}]' },
    /^JWT_ISSUERS\[0\]\.issuer is missing$/,
  ],
  [
    'an issuer without a key',
    { JWT_SECRET: '', JWT_ISSUERS: '[{"issuer":"a"}]' },
    /^JWT_ISSUERS\[0\] needs one of secret, publicKey, jwksUri, discovery$/,
  ],
  [
    'an issuer with an unknown member',
    { JWT_SECRET: '', JWT_ISSUERS: '[{"issuer":"a","jwksUri":"https://a.test","algorithm":"x"}]' },
    /^JWT_ISSUERS\[0\] has members that are not known: algorithm \(did you mean algorithms\?\)$/,
  ],
  [
    'an issuer twice',
    {
      JWT_SECRET: '',
      JWT_ISSUERS:
        '[{"issuer":"a","jwksUri":"https://a.test"},{"issuer":"a","jwksUri":"https://b.test"}]',
    },
    /^JWT_ISSUERS names an issuer twice$/,
  ],
  ['MAX_CLOCK_SKEW_S', { MAX_CLOCK_SKEW_S: '1.5' }, /^MAX_CLOCK_SKEW_S must/],
  ['SESSION_MAX_LIFETIME_S', { SESSION_MAX_LIFETIME_S: '0' }, /^SESSION_MAX_LIFETIME_S must/],
  [
    'SESSION_KEYS without a literal start',
    { ...onRedis, SESSION_KEYS: '{sid}' },
    /^SESSION_KEYS has "\{sid\}", which needs a literal start/,
  ],
  [
    'SESSION_KEYS of our own',
    { ...onRedis, SESSION_KEYS: 'cierre:{sid}' },
    /^SESSION_KEYS has "cierre:\{sid\}", which could name keys of cierre itself$/,
  ],
  [
    'SESSION_KEYS with a start of our own',
    { ...onRedis, SESSION_KEYS: 'cierre:sess:{sid}' },
    /^SESSION_KEYS has "cierre:sess:\{sid\}", which could name keys of cierre itself$/,
  ],
  [
    'SESSION_KEYS that a claim could complete',
    { ...onRedis, SESSION_KEYS: 'cier{sid}' },
    /^SESSION_KEYS has "cier\{sid\}", which could name keys of cierre itself$/,
  ],
  [
    'SESSION_KEYS with an unknown claim',
    { ...onRedis, SESSION_KEYS: 'x:{email}' },
    /^SESSION_KEYS has "x:\{email\}", which has braces/,
  ],
  ['SESSION_KEYS in memory', { SESSION_KEYS: 'x:{sid}' }, /^SESSION_KEYS needs a Redis/],
  ['SESSION_REDIS_URL', { SESSION_REDIS_URL: 'x' }, /^SESSION_REDIS_URL must be/],
  [
    'SESSION_COOKIES that no header can hold',
    { SESSION_COOKIES: 'sid; Path=/\u20ac' },
    /^SESSION_COOKIES "Path=\/\u20ac" is no attribute/,
  ],
  [
    'SESSION_COOKIES',
    { SESSION_COOKIES: 'sid; Max-Age=7' },
    /^SESSION_COOKIES "Max-Age=7" is no attribute/,
  ],
  [
    'SESSION_COOKIES with a prefix',
    { SESSION_COOKIES: '__Host-a; Secure; Path=/; Domain=x.test' },
    /^SESSION_COOKIES "__Host-a" needs/,
  ],
  ['CLEAR_SITE_DATA', { CLEAR_SITE_DATA: 'storage' }, /^CLEAR_SITE_DATA must be quoted/],
  [
    'RATE_LIMIT_ADDRESS',
    { RATE_LIMIT_ADDRESS: '10' },
    /^RATE_LIMIT_ADDRESS must be requests per seconds/,
  ],
  ['RATE_LIMIT_SUBJECT', { RATE_LIMIT_SUBJECT: '0/60' }, /^RATE_LIMIT_SUBJECT must/],
  ['TRUST_PROXY', { TRUST_PROXY: 'everyone' }, /^TRUST_PROXY has everyone/],
  ['CORS_ORIGINS', { CORS_ORIGINS: '*' }, /^CORS_ORIGINS has \*/],
  [
    'CORS_ORIGINS with a pattern',
    { CORS_ORIGINS: 'https://*.example.com' },
    /^CORS_ORIGINS has https:\/\/\*\.example\.com/,
  ],
  ['CORS_ORIGINS null', { CORS_ORIGINS: 'null' }, /^CORS_ORIGINS has null/],
  [
    'AUDIT_ADDRESS',
    { AUDIT_ADDRESS: 'some' },
    /^AUDIT_ADDRESS must be one of full, truncate, none$/,
  ],
  ['AUDIT_MAX_EVENTS', { AUDIT_MAX_EVENTS: '0' }, /^AUDIT_MAX_EVENTS must/],
  ['AUDIT_MAX_AGE_DAYS', { AUDIT_MAX_AGE_DAYS: 'x' }, /^AUDIT_MAX_AGE_DAYS must/],
  ['STORE_TIMEOUT_MS', { STORE_TIMEOUT_MS: '0' }, /^STORE_TIMEOUT_MS must/],
  [
    'TLS_CERT_FILE alone',
    { TLS_CERT_FILE: '/dev/null' },
    /^TLS_CERT_FILE and TLS_KEY_FILE must be set together$/,
  ],
  ['LOG_LEVEL', { LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of/],
]

describe('configuration', () => {
  for (const [what, env, message] of wrong) {
    it(`one clear message: ${what}`, () => {
      const faults = faultsOf({ ...good, ...env })
      expect(faults).to.have.length(1)
      expect(faults[0]).to.match(message)
      expect(faults.join()).not.to.include(hmacSecret)
    })
  }

  it('reports five faults at once', () => {
    expect(
      faultsOf({
        PORT: 'x',
        JWT_SECRET: 'short',
        REDIS_URL: 'x',
        LOG_LEVEL: 'x',
        CORS_ORIGINS: '*',
      }),
    ).to.have.length(5)
  })

  it('requires a key in production, and on any address but loopback', () => {
    expect(faultsOf({ NODE_ENV: 'production', REDIS_URL: 'memory:' })).to.deep.equal([
      'JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URI or JWT_ISSUERS must be set: without a key nothing can be verified',
    ])
    expect(faultsOf({ HOST: '0.0.0.0', REDIS_URL: 'memory:' })).to.have.length(1)
    const config = parseConfig({})
    expect(config.throwawaySecret?.bytes).to.have.length.of.at.least(32)
    expect(config.redis).to.equal(undefined)
  })

  it('reads secrets from files, without the trailing line end that editors add', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cierre-config-'))
    const file = join(dir, 'secret')
    try {
      writeFileSync(file, `${hmacSecret}\n`)
      expect(
        parseConfig({ JWT_SECRET_FILE: file, REDIS_URL: 'memory:' }).issuers[0]?.keys.secrets,
      ).to.deep.equal([{ bytes: Buffer.from(hmacSecret) }])
      writeFileSync(
        file,
        JSON.stringify([
          {
            issuer: 'a',
            publicKey: rsa.publicKey.export({ format: 'jwk' }),
            audience: ['x', 'y'],
            sessionMaxLifetimeS: 60,
            sessionKeys: ['s:{sid}'],
            algorithms: ['RS256'],
          },
        ]),
      )
      const [issuer] = parseConfig({
        JWT_ISSUERS_FILE: file,
        REDIS_URL: 'redis://127.0.0.1:1',
      }).issuers
      expect(issuer).to.deep.include({
        issuer: 'a',
        audience: ['x', 'y'],
        sessionMaxLifetimeS: 60,
        sessionKeys: ['s:{sid}'],
        algorithms: ['RS256'],
      })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
