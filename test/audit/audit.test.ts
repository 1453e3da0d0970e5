import { expect } from 'chai'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { freshClaims, sign, token } from '../support/tokens.js'

type Event = Record<string, unknown>

describe('audit', () => {
  let redis: TestRedis
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(() => redis.stop())

  const trail = async () =>
    (await redis.client.xRange('cierre:{c}:audit', '-', '+')).map(
      ({ message }) => JSON.parse(String(message['e'])) as Event,
    )

  it('200: a logout has written the same event to the log and to the trail', async () => {
    const service = await startService({ REDIS_URL: redis.url, AUDIT_ADDRESS: 'full' })
    try {
      const claims = freshClaims()
      const jwt = await sign(claims)
      const answer = await service.logout(
        jwt,
        { token: jwt },
        { 'x-request-id': 'my-request.1', 'user-agent': 'a browser' },
      )
      expect(answer.headers['x-request-id']).to.equal('my-request.1')
      const [event] = await trail()
      expect(event).to.include({
        event: 'authn_token_revoked',
        outcome: 'success',
        reason: 'logout',
        requestId: 'my-request.1',
        issuer: claims['iss'],
        subject: claims['sub'],
        address: '127.0.0.1',
        userAgent: 'a browser',
      })
      expect(event?.['time']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(event?.['keys']).to.have.length(1)
      expect(await redis.client.exists(`cierre:{c}:${(event?.['keys'] as string[])[0]}`)).to.equal(
        1,
      )
      expect(service.audited()).to.deep.equal([event])
    } finally {
      await service.stop()
    }
  })

  it('a text from outside can neither end nor forge a line, and is truncated', async () => {
    const service = await startService({ REDIS_URL: redis.url })
    try {
      const sub = `x"}\n{"audit":{"event":"forged"}}\u2028\r\n${'y'.repeat(2000)}`
      const jwt = await token({ sub })
      await service.logout(
        jwt,
        { token: jwt },
        { 'user-agent': `"},"event":"forged${'z'.repeat(1000)}`, 'x-request-id': 'bad id"' },
      )
      const events = service.audited()
      expect(events).to.have.length(1)
      expect(events[0]).to.include({ event: 'authn_token_revoked', subject: sub.slice(0, 1024) })
      expect(events[0]?.['userAgent']).to.have.length(256)
      expect(events[0]?.['requestId']).to.match(/^[0-9a-f-]{36}$/)
      expect(await trail()).to.deep.equal(events)
    } finally {
      await service.stop()
    }
  })

  it('keeps the address as AUDIT_ADDRESS says: truncated by default, or not at all', async () => {
    for (const [setting, kept] of [
      ['truncate', '127.0.0.0/24'],
      ['none', undefined],
    ] as const) {
      const service = await startService({ AUDIT_ADDRESS: setting })
      await service.logout(await token())
      expect(service.audited()[0]?.['address']).to.equal(kept)
      await service.stop()
    }
    const service = await startService({ TRUST_PROXY: '127.0.0.1' })
    const jwt = await token()
    await service.logout(jwt, { token: jwt }, { 'x-forwarded-for': '2001:db8:1:2:3::4' })
    expect(service.audited()[0]?.['address']).to.equal('2001:db8:1::/48')
    await service.stop()
  })

  it('refusals of unauthenticated callers: none in the trail, ten a second in the log, the rest only counted', async () => {
    const clock = { ms: Date.now() }
    const service = await startService({ REDIS_URL: redis.url }, { now: () => clock.ms })
    try {
      await Promise.all(Array.from({ length: 40 }, () => service.logout('no token')))
      expect(service.audited()).to.have.length(10)
      expect(service.audited()[0]).to.include({
        event: 'authn_login_fail',
        outcome: 'refused',
        reason: 'spelling',
      })
      expect(service.audit.counts().sampledOut).to.equal(30)
      clock.ms += 1_000
      await service.logout('no token')
      expect(service.logged().at(-1)).to.include({ sampledOut: 30 })
      expect(await trail()).to.deep.equal([])
    } finally {
      await service.stop()
    }
  })

  it('200: a trail that fails does not undo a logout; the failures are counted, and the first is logged', async () => {
    await redis.client.set('cierre:{c}:audit', 'not a stream')
    const service = await startService({ REDIS_URL: redis.url })
    try {
      const jwt = await token()
      expect((await service.logout(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(401)
      expect(service.audit.counts().trailFailures).to.equal(2)
      expect(
        service.logged().filter(({ msg }) => msg === 'audit trail not written'),
        'its outage begins once',
      ).to.have.length(1)
      expect(service.audited()).to.have.length(2)
    } finally {
      await service.stop()
      await redis.client.del('cierre:{c}:audit')
    }
  })

  it('the trail is capped by count', async () => {
    const service = await startService({ REDIS_URL: redis.url, AUDIT_MAX_EVENTS: '100' })
    try {
      const tokens = await Promise.all(Array.from({ length: 400 }, () => token()))
      await Promise.all(tokens.map((jwt) => service.logout(jwt)))
      // Redis trims whole nodes of a hundred events.
      expect(await redis.client.xLen('cierre:{c}:audit')).to.be.within(100, 299)
    } finally {
      await service.stop()
    }
  })

  it('a replayed revoked token cannot flush the trail: the log has every refusal, the trail thirty a minute', async () => {
    // Starts at a full minute, and runs as fast as the clock of Redis, by which entries expire.
    const beganMs = Date.now()
    const clock = { ms: Math.ceil(beganMs / 60_000) * 60_000 - beganMs }
    const service = await startService(
      { REDIS_URL: redis.url, MAX_CLOCK_SKEW_S: '300' },
      { now: () => Date.now() + clock.ms },
    )
    try {
      const [revoked, expired] = [
        await token(),
        await token({ exp: Math.floor((Date.now() + clock.ms) / 1000) - 10 }),
      ]
      expect((await service.logout(revoked)).status).to.equal(200)
      for (let sent = 0; sent < 50; sent += 1)
        expect((await service.logout(revoked)).status).to.equal(401)
      expect(await trail()).to.have.length(31)
      expect(service.audited()).to.have.length(51)
      for (let sent = 0; sent < 50; sent += 1)
        expect((await service.logout(expired)).status).to.equal(403)
      expect(await trail()).to.have.length(61)
      expect(
        await redis.client.xLen('cierre:{c}:feed'),
        'nor is the feed: genesis, the logout, the expired token once',
      ).to.equal(3)
      clock.ms += 60_000
      await service.logout(revoked)
      expect(await trail()).to.have.length(62)
    } finally {
      await service.stop()
    }
  })
})
