import { expect } from 'chai'
import { parseConfig } from '../../src/config/config.js'
import { optionNames, type OptionName } from '../../src/config/option-names.js'
import { variables } from '../../src/config/variables.js'
import type { CierreOptions } from '../../src/embedded.js'
import { readCierreOptions } from '../../src/service/embedded-options.js'
import { hmacSecret } from '../support/tokens.js'

const issuers = [{ issuer: 'https://issuer.test', secret: hmacSecret }]
const good = { issuers, redis: { url: 'memory:' } }

/** The lines of the TypeError; none when the options are taken. */
const faultsOf = (options: unknown): string[] => {
  try {
    readCierreOptions(options)
    return []
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError)
    return (error as TypeError).message.split('\n')
  }
}

/** Every option with a value of its own, and the environment that says the same. */
const all: Required<CierreOptions> = {
  issuers,
  redis: {
    url: 'rediss+sentinel://u:p%2Cw@127.0.0.1:26379,127.0.0.1:26380/main/1',
    sentinelUser: 'us',
    sentinelPassword: 'ps',
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
    minReplicas: 1,
  },
  clients: [
    {
      id: 'api',
      secretSha256: '0'.repeat(64),
      allow: ['introspect'],
      audiences: ['a'],
      claims: ['role'],
    },
  ],
  transmitters: [
    {
      issuer: 'https://idp.example.com',
      audience: ['https://auth.example.com/gtr'],
      publicKey: undefined,
      jwksUri: 'https://idp.example.com/keys',
      discovery: undefined,
      allow: ['gtr'],
      tokenIssuers: ['https://issuer.test'],
    },
  ],
  publicUrl: 'https://auth.example.com',
  corsOrigins: ['https://app.example.com', 'https://two.example.com'],
  trustProxy: ['10.0.0.0/8'],
  storeTimeoutMs: 50,
  upstreamTimeoutMs: 500,
  requireExp: true,
  cutoffClaim: 'auth_time',
  senderConstrained: 'ignore',
  maxTokenLength: 4_096,
  maxClockSkewS: 5,
  maxStalenessMs: 900,
  authClaims: ['roles', 'org'],
  sessionMaxLifetimeS: 3600,
  expiredEndsSessionS: 3_600,
  sessionKeys: ['sess:{sid}', 'koa:sess:{sid}'],
  sessionRedisUrl: 'redis://127.0.0.1:6380',
  sessionCookies: ['sid; Path=/', 'other; Secure'],
  authCookie: 'token; Path=/; HttpOnly',
  clearSiteData: '',
  rateLimitAddress: '10/60',
  rateLimitSubject: 'off',
  auditAddress: 'none',
  auditMaxEvents: 10,
  auditMaxAgeDays: 2,
  logLevel: 'silent',
  log: { write: () => undefined },
  otherPaths: [],
}
const sameEnvironment = {
  JWT_ISSUERS: JSON.stringify(issuers),
  REDIS_URL: 'rediss+sentinel://u:p%2Cw@127.0.0.1:26379,127.0.0.1:26380/main/1',
  REDIS_SENTINEL_USER: 'us',
  REDIS_SENTINEL_PASSWORD: 'ps',
  REDIS_MIN_REPLICAS: '1',
  CLIENTS: JSON.stringify(all.clients),
  TRANSMITTERS: JSON.stringify(all.transmitters),
  PUBLIC_URL: 'https://auth.example.com',
  CORS_ORIGINS: 'https://app.example.com,https://two.example.com',
  TRUST_PROXY: '10.0.0.0/8',
  STORE_TIMEOUT_MS: '50',
  UPSTREAM_TIMEOUT_MS: '500',
  JWT_REQUIRE_EXP: 'true',
  CUTOFF_CLAIM: 'auth_time',
  SENDER_CONSTRAINED: 'ignore',
  MAX_TOKEN_LENGTH: '4096',
  MAX_CLOCK_SKEW_S: '5',
  MAX_STALENESS_MS: '900',
  AUTH_CLAIMS: 'roles,org',
  SESSION_MAX_LIFETIME_S: '3600',
  EXPIRED_ENDS_SESSION_S: '3600',
  SESSION_KEYS: 'sess:{sid},koa:sess:{sid}',
  SESSION_REDIS_URL: 'redis://127.0.0.1:6380',
  SESSION_COOKIES: 'sid; Path=/,other; Secure',
  AUTH_COOKIE: 'token; Path=/; HttpOnly',
  CLEAR_SITE_DATA: '',
  RATE_LIMIT_ADDRESS: '10/60',
  RATE_LIMIT_SUBJECT: 'off',
  AUDIT_ADDRESS: 'none',
  AUDIT_MAX_EVENTS: '10',
  AUDIT_MAX_AGE_DAYS: '2',
  LOG_LEVEL: 'silent',
  DOCS: 'off',
}

describe('the options of createCierre', () => {
  it('each stands for a variable, and is its name in camel case without JWT_, or a member of redis', () => {
    for (const [name, option] of Object.entries(optionNames)) {
      const camel = name
        .replace(/^JWT_/, '')
        .toLowerCase()
        .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
      const nested = camel.replace(
        /^redis(\w)/,
        (_, letter: string) => `redis.${letter.toLowerCase()}`,
      )
      expect(option).to.equal(nested)
      expect(name in variables).to.equal(true)
    }
  })

  it('have the types that the table checks: every option is in the type, and none besides', () => {
    type TopLevel<Name extends string> = Name extends `redis.${string}` ? 'redis' : Name
    const inType: Record<TopLevel<OptionName> | 'log' | 'otherPaths', true> = Object.fromEntries(
      Object.keys(all).map((name) => [name, true]),
    ) as Record<keyof CierreOptions, true>
    const members: Record<Extract<OptionName, `redis.${string}`>, true> = {
      'redis.url': true,
      'redis.sentinelUser': true,
      'redis.sentinelPassword': true,
      'redis.caFile': true,
      'redis.certFile': true,
      'redis.keyFile': true,
      'redis.minReplicas': true,
    } satisfies Record<`redis.${keyof CierreOptions['redis']}`, true>
    expect(Object.keys(inType)).to.have.length(
      Object.keys(optionNames).length - Object.keys(members).length + 3,
    )
  })

  it('make the configuration that the same environment makes', () => {
    expect(readCierreOptions(all).config).to.deep.equal(parseConfig(sameEnvironment))
    const { config } = readCierreOptions({ ...good, otherPaths: ['docs'] })
    const plain = { REDIS_URL: 'memory:', JWT_ISSUERS: JSON.stringify(issuers) }
    expect(config).to.deep.equal(parseConfig(plain))
    const undefineds = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]))
    expect(readCierreOptions({ ...undefineds, ...good })).to.deep.equal(readCierreOptions(good))
  })

  it('a single entry may leave out its issuer, as jsonwebtoken does, and has what the service needs', () => {
    const [issuer] = readCierreOptions({
      ...good,
      redis: { url: 'redis://127.0.0.1:1' },
      issuers: [
        {
          secret: hmacSecret,
          sessionKeys: ['sess:{sid}'],
          backchannelAudience: 'app',
          backchannelAllow: 'no-exp',
        },
      ],
    }).config.issuers
    expect(issuer).to.deep.include({
      sessionKeys: ['sess:{sid}'],
      backchannelAudience: ['app'],
      backchannelAllow: ['no-exp'],
    })
    expect(issuer).not.to.have.property('issuer')
  })

  it('a TypeError names every fault at once, by the names of options, and no secret', () => {
    const faults = faultsOf({
      issuers: [{ secret: 'too-short-and-secret' }],
      redis: { url: 'memory:', minReplicas: 1, caFiles: 'x' },
      authCookie: 'token',
      publicURL: 'https://a.test',
      PUBLIC_URL: 'https://a.test',
      port: 3000,
      maxClockSkewS: '60',
      otherPaths: ['healthy'],
      log: console.log,
      clients: '[]',
    })
    expect(faults).to.deep.equal([
      'options has members that are not known: publicURL (did you mean publicUrl?), PUBLIC_URL (did you mean publicUrl?), port',
      'otherPaths must be an array of health, metrics, openapi, docs',
      'redis has members that are not known: caFiles (did you mean caFile?)',
      'maxClockSkewS must be a whole number from 0 to 3600',
      'clients must be a JSON array',
      'issuers[0].secret must be at least 32 bytes long for HS256',
      'authCookie needs publicUrl or corsOrigins, the origins of its pages',
      'redis.minReplicas needs a Redis in redis.url',
      'log must be an object with the function write',
    ])
  })

  const wrong: [string, unknown, RegExp][] = [
    ['nothing', undefined, /^options is undefined$/],
    ['no object', [], /^options must be an object$/],
    ['no issuers', { redis: good.redis }, /^issuers is undefined: without a key nothing/],
    ['an empty list', { ...good, issuers: [] }, /^issuers must be an array that is not empty$/],
    [
      'an undefined secret',
      { ...good, issuers: [{ secret: undefined }] },
      /^issuers\[0\].secret is undefined$/m,
    ],
    [
      'two entries, one without issuer',
      { ...good, issuers: [...issuers, { secret: hmacSecret }] },
      /^issuers\[1\].issuer is missing, which only a single/,
    ],
    ['no redis', { issuers }, /^redis.url must be set; redis.url=memory: accepts/],
    ['an undefined url', { issuers, redis: { url: undefined } }, /^redis.url must be set/],
    ['redis as a text', { ...good, redis: 'memory:' }, /^redis must be an object$/m],
    [
      'session keys in memory',
      { ...good, sessionKeys: ['sess:{sid}'] },
      /^sessionKeys needs a Redis in sessionRedisUrl or redis.url$/,
    ],
    ['null', { ...good, publicUrl: null }, /^publicUrl must be an origin/],
    [
      'a number for a list',
      { ...good, corsOrigins: 7 },
      /^corsOrigins must be a string or an array/,
    ],
    [
      'a rate of numbers',
      { ...good, rateLimitAddress: 300 },
      /^rateLimitAddress must be requests per/,
    ],
  ]
  for (const [name, options, fault] of wrong)
    it(`TypeError: ${name}`, () => {
      expect(faultsOf(options).join('\n')).to.match(fault)
    })
})
