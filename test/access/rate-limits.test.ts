import { expect } from 'chai'
import { createSubjectLimiter } from '../../src/access/rate-limits.js'
import { commitOf, type Commit, type CommitResult } from '../../src/revocation/commit.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { freshClaims, sign, token } from '../support/tokens.js'

const policy = /^"address";q=5;w=60, "subject";q=2;w=60$/

describe('rate limits', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it("429 by address: counted before the token is verified, with Retry-After and the current draft's fields", async () => {
    const service = await startService({ RATE_LIMIT_ADDRESS: '3/60' })
    try {
      const statuses = []
      for (let sent = 0; sent < 3; sent += 1)
        statuses.push((await service.logout('nothing')).status)
      const answer = await service.logout(await token())
      expect([...statuses, answer.status]).to.deep.equal([401, 401, 401, 429])
      expect(Number(answer.headers['retry-after'])).to.be.within(1, 60)
      expect(answer.headers['ratelimit-policy']).to.equal('"address";q=3;w=60')
      expect(answer.headers['ratelimit']).to.match(/^"address";r=0;t=\d+$/)
      expect((await service.send({ path: '/health/live' })).status).to.equal(200)
    } finally {
      await service.stop()
    }
  })

  it('empty and unreadable posts are counted apart: 429 for them, 200 for a logout from the same address', async () => {
    const service = await startService({ RATE_LIMIT_ADDRESS: '4/60' })
    const post = (body: string, type = 'application/json') =>
      service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: { 'content-type': type },
        body,
      })
    try {
      const refused = [
        await post(''),
        await post('{}'),
        await post('{'),
        await post('x', 'text/plain'),
      ]
      expect(refused.map(({ status }) => status)).to.deep.equal([401, 401, 401, 415])
      const limited = [await post(''), await post('{"token":7}'), await post('x'.repeat(70_000))]
      expect(limited.map(({ status }) => status)).to.deep.equal([429, 429, 429])
      expect(limited[0]!.headers['ratelimit']).to.match(/^"address";r=0;t=\d+$/)
      const answer = await service.logout(await token())
      expect(answer.status).to.equal(200)
      expect(answer.headers['ratelimit']).to.match(/^"address";r=3;/)
    } finally {
      await service.stop()
    }
  })

  it('429 by verified subject, over all instances; forged tokens in the name of a victim do not count', async () => {
    const env = { REDIS_URL: redis.url, RATE_LIMIT_ADDRESS: '5/60', RATE_LIMIT_SUBJECT: '2/60' }
    const [one, other] = [
      await startService(env),
      await startService({ ...env, RATE_LIMIT_ADDRESS: 'off' }),
    ]
    try {
      const claims = freshClaims()
      const login = (jti: string) => sign({ ...claims, sid: jti, jti })
      const real = await login('a')
      for (let sent = 0; sent < 3; sent += 1)
        expect(
          (await one.logout(`${real.slice(0, real.lastIndexOf('.'))}.${'A'.repeat(43)}`)).status,
        ).to.equal(401)
      const first = await one.logout(real)
      expect(first.status).to.equal(200)
      expect(first.headers['ratelimit-policy']).to.match(policy)
      expect(first.headers['ratelimit']).to.match(/^"address";r=1;t=\d+, "subject";r=1;t=\d+$/)
      expect((await other.logout(await login('b'))).status).to.equal(200)
      const third = await other.logout(await login('c'))
      expect(third.status).to.equal(429)
      expect(third.headers['ratelimit']).to.match(/^"subject";r=0;t=\d+$/)
      expect(other.audited().at(-1)).to.include({
        event: 'excess_rate_limit_exceeded',
        reason: 'subject_limit',
        subject: claims['sub'],
      })
      expect((await other.logout(await token())).status, 'another subject').to.equal(200)
      const limitKeys = await redis.client.keys('cierre:{c}:limit:*')
      expect(limitKeys).to.have.length(2)
      expect(limitKeys.join()).not.to.include(claims['sub'])
    } finally {
      await one.stop()
      await other.stop()
    }
  })

  for (const kind of ['redis', 'memory']) {
    it(`401: a token that is already revoked does not use up the limit of its subject, on ${kind}`, async () => {
      const service = await startService({
        REDIS_URL: kind === 'redis' ? redis.url : 'memory:',
        RATE_LIMIT_SUBJECT: '2/60',
      })
      try {
        const claims = freshClaims()
        const login = (jti: string) =>
          sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti })
        const stolen = await login('stolen')
        expect((await service.logout(stolen)).status).to.equal(200)
        for (let sent = 0; sent < 10; sent += 1)
          expect((await service.logout(stolen)).status).to.equal(401)
        expect((await service.logout(await login('fresh'))).status).to.equal(200)
        expect((await service.logout(await login('late'))).status).to.equal(429)
        expect((await service.logout(stolen)).status, 'the limit comes first').to.equal(429)
      } finally {
        await service.stop()
      }
    })
  }

  it('429: a request over the limit revokes nothing', async () => {
    const service = await startService({ REDIS_URL: redis.url, RATE_LIMIT_SUBJECT: '1/60' })
    const unlimited = await startService({ REDIS_URL: redis.url })
    try {
      const claims = freshClaims()
      const jwts = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map((jti) =>
          sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti }),
        ),
      )
      const statuses = (await Promise.all(jwts.map((jwt) => service.logout(jwt)))).map(
        ({ status }) => status,
      )
      expect(statuses.toSorted()).to.deep.equal([200, 429, 429, 429, 429])
      const later = (await Promise.all(jwts.map((jwt) => unlimited.logout(jwt)))).map(
        ({ status }) => status,
      )
      expect(later).to.deep.equal(statuses.map((status) => (status === 200 ? 401 : 200)))
    } finally {
      await service.stop()
      await unlimited.stop()
    }
  })

  it('401 while Redis is down: a token that this instance knows as revoked; it uses up no limit', async () => {
    const own = await startRedis()
    const service = await startService({ REDIS_URL: own.url, RATE_LIMIT_SUBJECT: '2/60' })
    try {
      const revoked = await token()
      expect((await service.logout(revoked)).status).to.equal(200)
      await own.kill()
      await until(
        'the service has noticed',
        async () => (await service.logout(await token())).status === 500,
      )
      for (let sent = 0; sent < 5; sent += 1)
        expect((await service.logout(revoked)).status).to.equal(401)
    } finally {
      await service.stop()
      await own.stop()
    }
  })

  it('500 while Redis is out of memory, and 429 over the limit, which memory counts', async () => {
    const full = await startRedis(['--maxmemory-policy', 'noeviction'])
    const service = await startService({ REDIS_URL: full.url, RATE_LIMIT_SUBJECT: '2/60' })
    try {
      const jwt = await token()
      await full.client.configSet('maxmemory', '1')
      const statuses = []
      for (let sent = 0; sent < 3; sent += 1) statuses.push((await service.logout(jwt)).status)
      expect(statuses).to.deep.equal([500, 500, 429])
      expect(await full.client.keys('cierre:{c}:[tsujn]:*')).to.deep.equal([])
    } finally {
      await service.stop()
      await full.stop()
    }
  })

  it('many subjects are counted in one round trip; an unreadable count of one does not affect the others', async () => {
    const service = await startService({ REDIS_URL: redis.url, RATE_LIMIT_SUBJECT: '2/60' })
    try {
      const subjects = Array.from({ length: 30 }, freshClaims)
      const loginOf = (claims: ReturnType<typeof freshClaims>, jti: string) =>
        sign({ ...claims, sid: jti, jti })
      const everybody = async (jti: string) => {
        const jwts = await Promise.all(
          subjects.map((claims) => loginOf(claims, `${String(claims['sub'])}-${jti}`)),
        )
        return (await Promise.all(jwts.map((jwt) => service.logout(jwt)))).map(
          ({ status }) => status,
        )
      }
      const before = new Set(await redis.client.keys('cierre:{c}:limit:*'))
      expect(await everybody('a')).to.deep.equal(subjects.map(() => 200))
      const [unreadable = '', endless = '', ...others] = (
        await redis.client.keys('cierre:{c}:limit:*')
      ).filter((key) => !before.has(key))
      expect(others).to.have.length(28)
      for (const key of others) expect(await redis.client.pTTL(key)).to.be.within(1, 60_000)
      await redis.client.set(unreadable, 'not a number')
      await redis.client.persist(endless)
      // The subject that Redis cannot count starts at zero in memory.
      expect(await everybody('b')).to.deep.equal(subjects.map(() => 200))
      expect(await redis.client.pTTL(endless), 'no window stays open').to.be.within(1, 60_000)
      expect((await everybody('c')).sort()).to.deep.equal([200, ...others.map(() => 429), 429])
      expect(await everybody('d')).to.deep.equal(subjects.map(() => 429))
    } finally {
      await service.stop()
    }
  })

  it('a window is counted in memory where Redis refuses to set its expiry', async () => {
    await redis.client.sendCommand([
      'ACL',
      'SETUSER',
      'narrow',
      'on',
      '>narrow',
      '~*',
      '&*',
      '+@all',
      '-pexpire',
    ])
    const service = await startService({
      REDIS_URL: redis.url.replace('//', '//narrow:narrow@'),
      RATE_LIMIT_SUBJECT: '2/60',
    })
    try {
      const before = new Set(await redis.client.keys('cierre:{c}:limit:*'))
      const claims = freshClaims()
      const logout = async (jti: string) =>
        (
          await service.logout(
            await sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti: `narrow-${jti}` }),
          )
        ).status
      expect(await logout('a')).to.equal(200)
      const [key = ''] = (await redis.client.keys('cierre:{c}:limit:*')).filter(
        (one) => !before.has(one),
      )
      await redis.client.set(key, '100')
      expect([await logout('b'), await logout('c')]).to.deep.equal([200, 429])
    } finally {
      await service.stop()
    }
  })

  it('counts are not written to disk: a restarted Redis counts from zero, and knows every revocation', async () => {
    const service = await startService({ REDIS_URL: redis.url, RATE_LIMIT_SUBJECT: '2/60' })
    try {
      const claims = freshClaims()
      const login = (jti: string) =>
        sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti: `anew-${jti}` })
      const first = await login('a')
      const before = new Set(await redis.client.keys('cierre:{c}:limit:*'))
      expect([
        (await service.logout(first)).status,
        (await service.logout(await login('b'))).status,
      ]).to.deep.equal([200, 200])
      const [count = ''] = (await redis.client.keys('cierre:{c}:limit:*')).filter(
        (key) => !before.has(key),
      )
      expect(await redis.client.get(count)).to.equal('2')
      await redis.restart()
      await until(
        'the service has Redis again',
        async () => (await service.send({ path: '/health/ready' })).status === 200,
      )
      expect(await redis.client.get(count)).to.equal(null)
      expect((await service.logout(first)).status).to.equal(401)
      const third = await service.logout(await login('c'))
      expect(third.status).to.equal(200)
      expect(third.headers['ratelimit']).to.match(/"subject";r=1;t=\d+$/)
    } finally {
      await service.stop()
    }
  })

  it('429: subjects are counted in memory while Redis is down', async () => {
    const service = await startService(
      { REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT_SUBJECT: '2/60' },
      { waitForStore: false },
    )
    try {
      const jwt = await token()
      const statuses = []
      for (let sent = 0; sent < 3; sent += 1) statuses.push((await service.logout(jwt)).status)
      expect(statuses).to.deep.equal([500, 500, 429])
    } finally {
      await service.stop()
    }
  })

  it('an IPv6 client is counted by its /64; X-Forwarded-For counts only from a trusted proxy', async () => {
    const limited = { RATE_LIMIT_ADDRESS: '1/60' }
    const from = async (service: Awaited<ReturnType<typeof startService>>, address: string) =>
      (await service.logout('x', {}, { 'x-forwarded-for': address })).status
    const trusting = await startService({ ...limited, TRUST_PROXY: '127.0.0.0/8' })
    const wary = await startService(limited)
    try {
      expect([
        await from(trusting, '2001:db8::1'),
        await from(trusting, '2001:db8::2:3'),
        await from(trusting, '2001:db8:0:1::1'),
      ]).to.deep.equal([401, 429, 401])
      expect([
        await from(trusting, '192.0.2.1'),
        await from(trusting, '192.0.2.2'),
        await from(trusting, '::ffff:192.0.2.1'),
      ]).to.deep.equal([401, 401, 429])
      expect([await from(wary, '192.0.2.1'), await from(wary, '192.0.2.2')]).to.deep.equal([
        401, 429,
      ])
      const warnings = wary.logged().filter(({ level }) => level === 'warn')
      expect(warnings.map(({ msg }) => msg)).to.have.length(1)
      expect(String(warnings[0]?.['msg'])).to.include('TRUST_PROXY')
    } finally {
      await trusting.stop()
      await wary.stop()
    }
  })
})

describe('the limit of a subject', () => {
  const limit = { requests: 2, windowS: 60 }
  const start = (answers: CommitResult[]) => {
    const commits: Commit[] = []
    const refused: string[] = []
    const limiter = createSubjectLimiter({
      limit,
      revocations: {
        async commit(commit) {
          commits.push(commit)
          return answers.shift() ?? { outcome: 'stored' }
        },
      },
      onRefused: (policy) => refused.push(policy),
    })
    const commit = commitOf([], { rateLimit: limiter.rateLimitOf('u:U') })
    return { enforce: () => limiter.enforceLimit(commit), commits, refused }
  }

  it('counted by Redis: one commit; its count is in the header fields', async () => {
    const { enforce, commits } = start([{ outcome: 'stored', counted: { count: 1, leftMs: 900 } }])
    const { outcome, headers } = await enforce()
    expect([outcome, headers['RateLimit']]).to.deep.equal(['stored', '"subject";r=1;t=1'])
    expect(commits.map(({ rateLimit }) => rateLimit)).to.deep.equal([
      { key: 'limit:u:U', requests: 2, windowMs: 60_000 },
    ])
  })

  it('over the limit: rate_limited, with Retry-After, and reported', async () => {
    const full = { outcome: 'rate_limited', counted: { count: 3, leftMs: 900 } } as const
    const { enforce, refused } = start([full])
    const { outcome, headers } = await enforce()
    expect([outcome, headers['Retry-After']]).to.deep.equal(['rate_limited', '1'])
    expect(refused).to.deep.equal(['subject'])
  })

  it('not executed: counted in memory; committed without a rate limit while memory has room', async () => {
    const missed = { outcome: 'not_executed' } as const
    const stored = { outcome: 'stored' } as const
    const { enforce, commits } = start([missed, stored, missed, stored, missed])
    const outcomes = [await enforce(), await enforce(), await enforce()]
    expect(outcomes.map(({ outcome }) => outcome)).to.deep.equal([
      'stored',
      'stored',
      'rate_limited',
    ])
    expect(commits.map(({ rateLimit }) => rateLimit === undefined)).to.deep.equal([
      false,
      true,
      false,
      true,
      false,
    ])
  })

  it('already revoked, and not counted by Redis: memory does not count it either', async () => {
    const revoked = { outcome: 'already_revoked' } as const
    const { enforce } = start(Array.from({ length: 5 }, () => revoked))
    for (let sent = 0; sent < 5; sent += 1)
      expect((await enforce()).outcome).to.equal('already_revoked')
  })

  it('not executed twice: throws store_unavailable', async () => {
    const missed = { outcome: 'not_executed' } as const
    const { enforce } = start([missed, missed])
    const error = await enforce().catch((thrown: unknown) => thrown)
    expect(error).to.have.property('code', 'store_unavailable')
  })
})

describe('the largest limits', () => {
  it('200: counted and told, in memory and in Redis, without a timer that ends too early', async () => {
    const most = '999999999999999/2147483'
    const redis = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      RATE_LIMIT_ADDRESS: most,
      RATE_LIMIT_SUBJECT: most,
    })
    try {
      const { status, headers } = await service.logout(await token({ sub: 'alice' }))
      expect(status).to.equal(200)
      expect(headers['ratelimit-policy']).to.include('q=999999999999999;w=2147483')
      expect(headers['ratelimit']).to.include('r=999999999999998;t=2147483')
      const next = await service.logout(await token({ sub: 'alice' }))
      expect(next.headers['ratelimit'], 'the window has not ended').to.include('r=999999999999997')
    } finally {
      await service.stop()
      await redis.stop()
    }
  })
})
