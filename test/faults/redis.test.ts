import { expect } from 'chai'
import { heldDeadlineMs, holdDeadlines, type Deadlines } from '../support/deadlines.js'
import type { Answer } from '../support/http.js'
import { until } from '../support/processes.js'
import { startProxy, type TestProxy } from '../support/proxy.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { claimKey } from '../../src/token/keys.js'
import { freshClaims, nowS, sign, token } from '../support/tokens.js'

/** A short deadline in real time, for the wait in Redis itself (`WAIT`), which no test can move. */
const realDeadlineMs = 1_000
const waiting = { REDIS_MIN_REPLICAS: '1', STORE_TIMEOUT_MS: String(realDeadlineMs) }

describe('when Redis fails: no 200 without a stored revocation', () => {
  let redis: TestRedis
  let service: TestService
  let deadlines: Deadlines
  const extra: { stop(): Promise<void> }[] = []

  beforeEach(async () => {
    deadlines = holdDeadlines()
    redis = await startRedis()
  })
  afterEach(async () => {
    await service.stop()
    for (const each of extra.splice(0)) await each.stop()
    await redis.stop()
    deadlines.restore()
  })

  const open = async (env: Record<string, string> = {}, waitForStore = true) => {
    service = await startService(
      { REDIS_URL: redis.url, STORE_TIMEOUT_MS: String(heldDeadlineMs), ...env },
      { waitForStore },
    )
  }
  const timed = async (work: Promise<Answer>) => {
    const { value: answer, deadlines: taken } = await deadlines.during(work)
    // Its own deadline, and the rest of one that began before it.
    expect(taken, 'deadlines until the answer').to.be.at.most(2)
    return answer
  }
  const expectUnknown = async (jwt: string) => {
    const answer = await timed(service.logout(jwt))
    expect([answer.status, answer.json]).to.deep.equal([
      500,
      { success: false, message: 'Error interno del servidor' },
    ])
    expect(answer.headers['retry-after']).to.equal('1')
  }
  const entries = async () => (await redis.client.keys('cierre:{c}:[tsujn]:*')).length
  const expectRepeatRevokes = async (jwt: string) => {
    await until('the service is ready again', () => service.isReady())
    expect((await service.logout(jwt)).status).to.be.oneOf([200, 401])
    expect((await service.logout(jwt)).status).to.equal(401)
  }

  it('down at start: not ready, 500; recovers by itself', async () => {
    await redis.kill()
    await open({}, false)
    expect(await service.isReady()).to.equal(false)
    const jwt = await token()
    await expectUnknown(jwt)
    await redis.restart()
    await expectRepeatRevokes(jwt)
  })

  it('killed between the check and the write: 500, and the repeat revokes the token', async () => {
    let armed = false
    const proxy: TestProxy = await startProxy(
      () => redis.port,
      async (text) => {
        if (!armed || !text.includes('authn_token_revoked')) return 'pass'
        armed = false
        await redis.kill()
        return 'cut'
      },
    )
    extra.push(proxy)
    await open({ REDIS_URL: proxy.url })
    armed = true
    const jwt = await token()
    await expectUnknown(jwt)
    await redis.restart()
    expect(await entries()).to.equal(0)
    await expectRepeatRevokes(jwt)
  })

  it('the reply to the write is lost: 500, and 401 to the repeat, since the write had arrived', async () => {
    let armed = false
    const proxy: TestProxy = await startProxy(
      () => redis.port,
      async (text) => {
        if (!armed || !text.includes('authn_token_revoked')) return 'pass'
        armed = false
        return 'lose the answer'
      },
    )
    extra.push(proxy)
    await open({ REDIS_URL: proxy.url })
    armed = true
    const jwt = await token()
    await expectUnknown(jwt)
    expect(await entries()).to.equal(1)
    await until('the service is ready again', () => service.isReady())
    expect((await service.logout(jwt)).status).to.equal(401)
  })

  it('stopped, so that it never answers: 500 within the deadline', async () => {
    await open()
    const jwt = await token()
    redis.pause()
    await expectUnknown(jwt)
    await expectUnknown(jwt)
    expect((await timed(service.send({ path: '/health/ready' }))).status).to.equal(503)
    redis.resume()
    await expectRepeatRevokes(jwt)
  })

  it('stopped until the connection is given up: still answers, and recovers', async () => {
    await open()
    const jwt = await token()
    redis.pause()
    await until('it reconnects', async () => {
      await expectUnknown(jwt)
      return service.logged().some(({ msg }) => String(msg).includes('reconnecting'))
    })
    redis.resume()
    await expectRepeatRevokes(jwt)
  })

  it('out of memory: 500, not ready, nothing stored', async () => {
    await open()
    const jwt = await token()
    await redis.client.configSet('maxmemory', '1')
    await expectUnknown(jwt)
    expect(await entries()).to.equal(0)
    await until('the service knows', async () => !(await service.isReady()))
    await redis.client.configSet('maxmemory', '0')
    await expectRepeatRevokes(jwt)
  })

  it('a policy that evicts: not ready', async () => {
    await redis.client.configSet('maxmemory-policy', 'allkeys-lru')
    await open()
    const { status, json } = await service.send({ path: '/health/ready' })
    expect(status).to.equal(503)
    expect((json as { checks: unknown[] }).checks).to.deep.include({
      name: 'eviction',
      status: 'failed',
    })
  })

  it('demoted to a read-only replica: 500, nothing stored', async () => {
    const primary = await startRedis()
    extra.push(primary)
    await open()
    const jwt = await token()
    await redis.client.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.port)])
    await expectUnknown(jwt)
    await redis.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    expect(await entries()).to.equal(0)
    await expectRepeatRevokes(jwt)
  })

  it('demoted behind an address that leads to a new primary: reaches it without help', async () => {
    const primary = await startRedis()
    extra.push(primary)
    let target = redis.port
    const proxy = await startProxy(
      () => target,
      async () => 'pass',
    )
    extra.push(proxy)
    await open({ REDIS_URL: proxy.url })
    await redis.client.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.port)])
    target = primary.port
    const jwt = await token()
    await expectUnknown(jwt)
    await expectRepeatRevokes(jwt)
    expect(await primary.client.keys('cierre:{c}:s:*')).to.have.length(1)
    await redis.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
  })

  it('restarted empty: 200 for new logouts, and earlier revocations are written back', async () => {
    await open()
    expect((await service.logout(await token())).status).to.equal(200)
    await redis.restart({ empty: true })
    await until('the loss is noticed', () =>
      service.logged().some(({ historyLost }) => historyLost !== undefined),
    )
    await until('the service is ready again', () => service.isReady())
    const jwt = await token()
    expect((await service.logout(jwt)).status).to.equal(200)
    expect((await service.logout(jwt)).status).to.equal(401)
    await until('both are there', async () => (await entries()) === 2)
  })

  it('wrong password: 500; recovers when the password is right', async () => {
    await redis.client.configSet('requirepass', 'right')
    await open({ REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` }, false)
    const jwt = await token()
    await expectUnknown(jwt)
    expect(JSON.stringify(service.logged())).not.to.include(':wrong@')
    await redis.client.configSet('requirepass', 'wrong')
    await expectRepeatRevokes(jwt)
  })

  it('fewer replicas than REDIS_MIN_REPLICAS: 500 and not ready; enough: 200', async () => {
    const waits: number[] = []
    const proxy = await startProxy(
      () => redis.port,
      async (text) => {
        for (const [, ms] of text.matchAll(/WAIT\r\n\$1\r\n1\r\n\$\d+\r\n(\d+)/g))
          waits.push(Number(ms))
        return 'pass'
      },
    )
    extra.push(proxy)
    await open({ ...waiting, REDIS_URL: proxy.url })
    const jwt = await token()
    await expectUnknown(jwt)
    expect(await service.isReady()).to.equal(false)
    expect(
      (await service.logout(jwt)).status,
      'stored on the primary alone, where a 401 would promise more',
    ).to.equal(500)
    const late = await token({ exp: nowS(-5) })
    for (let sent = 0; sent < 2; sent += 1)
      expect((await service.logout(late)).status, 'an expired one, likewise').to.equal(500)
    expect(waits).to.have.length.above(1)
    expect(Math.max(...waits), 'Redis waits within the deadline').to.be.below(realDeadlineMs)
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(redis.port)])
    extra.push(replica)
    // On a busy machine a replica may acknowledge later than the deadline, which is real time here.
    await until('a replica acknowledges in time', async () => {
      const { status } = await service.logout(await token())
      expect(status).to.be.oneOf([200, 500])
      return status === 200
    })
    await until('the repeat is no longer unknown', async () => {
      const { status } = await service.logout(jwt)
      expect(status).to.be.oneOf([200, 401, 500])
      return status !== 500
    })
    expect(await service.isReady()).to.equal(true)
    expect((await service.logout(jwt)).status).to.equal(401)
  })

  it('fewer replicas: 500 within the limit, 429 over it; nothing is counted twice', async () => {
    await open({ ...waiting, RATE_LIMIT_SUBJECT: '2/60' })
    const jwt = await token()
    const statuses = []
    for (let sent = 0; sent < 4; sent += 1) statuses.push((await service.logout(jwt)).status)
    expect(
      statuses,
      'stored on the primary alone, and its count given back each time',
    ).to.deep.equal([500, 500, 500, 500])
    const claims = freshClaims()
    const login = (jti: string) => sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti })
    for (const jti of ['a', 'b'])
      expect((await service.logout(await login(jti))).status).to.equal(500)
    const [other, third] = await Promise.all([
      service.logout(await token()),
      service.logout(await login('c')),
    ])
    expect([other.status, third.status]).to.deep.equal([500, 429])
  })

  it('a Redis that refuses WAIT: 500, and each request is counted and stored once', async () => {
    await redis.client.sendCommand([
      'ACL',
      'SETUSER',
      'deaf',
      'on',
      '>deaf',
      '~*',
      '&*',
      '+@all',
      '-wait',
    ])
    await open({
      REDIS_URL: redis.url.replace('//', '//deaf:deaf@'),
      ...waiting,
      RATE_LIMIT_SUBJECT: '9/60',
    })
    const answers = await Promise.all(
      [token(), token(), token()].map(async (jwt) => service.logout(await jwt)),
    )
    expect(answers.map(({ status }) => status)).to.deep.equal([500, 500, 500])
    const counts = await redis.client.keys('cierre:{c}:limit:*')
    expect(await redis.client.mGet(counts)).to.deep.equal(['1', '1', '1'])
    expect(await redis.client.xLen('cierre:{c}:feed')).to.equal(4)
  })

  it('stopped: 500, never 429, for a request that may be stored', async () => {
    await open({ RATE_LIMIT_SUBJECT: '1/60' })
    const claims = freshClaims()
    redis.pause()
    const jwts = await Promise.all(
      ['a', 'b', 'c'].map((jti) =>
        sign({ ...claims, sid: `${String(claims['sub'])}-${jti}`, jti }),
      ),
    )
    for (const jwt of jwts) await expectUnknown(jwt)
    redis.resume()
    await until('the service is ready again', () => service.isReady())
    expect((await service.logout(jwts[0]!)).status, 'Redis had taken the first').to.be.oneOf([
      401, 429,
    ])
  })

  it('stopped, without limits: 401 for a token that this instance knows as revoked', async () => {
    await open()
    const revoked = await token()
    expect((await service.logout(revoked)).status).to.equal(200)
    redis.pause()
    expect((await timed(service.logout(revoked))).status).to.equal(401)
    redis.resume()
  })

  it('kill -9 under load with appendfsync always: 401 for every token that got a 200', async () => {
    await open()
    const tokens = await Promise.all(Array.from({ length: 300 }, () => token()))
    const confirmed: string[] = []
    let killed: Promise<void> | undefined
    await Promise.all(
      tokens.map(async (jwt) => {
        const { status } = await service.logout(jwt)
        expect(status).to.be.oneOf([200, 500])
        if (status === 200) confirmed.push(jwt)
        if (confirmed.length === 100) killed ??= redis.kill()
      }),
    )
    await killed
    expect(confirmed.length).to.be.within(100, 299)
    await redis.restart()
    await until('the service is ready again', () => service.isReady())
    for (const jwt of confirmed) expect((await service.logout(jwt)).status).to.equal(401)
    for (const jwt of tokens) expect((await service.logout(jwt)).status).to.be.oneOf([200, 401])
  })

  it('401 from a second instance, on its next request after any 200', async () => {
    await open()
    const second = await startService({ REDIS_URL: redis.url })
    extra.push(second)
    const jwt = await token()
    const refusals = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const { status } = await service.logout(jwt)
        return status === 200 ? (await second.logout(jwt)).status : status
      }),
    )
    expect(new Set(refusals)).to.deep.equal(new Set([401]))
  })

  it('200 and 401: of two instances that log one token out at once, one finds it revoked', async () => {
    await open()
    const second = await startService({ REDIS_URL: redis.url })
    extra.push(second)
    const jwts = await Promise.all(Array.from({ length: 100 }, () => token()))
    const statuses = await Promise.all(
      jwts.map(async (jwt) => {
        const both = await Promise.all([service.logout(jwt), second.logout(jwt)])
        return both.map(({ status }) => status).sort()
      }),
    )
    const faults = [service, second].flatMap((one) =>
      one.logged().filter(({ level }) => level === 'error'),
    )
    expect(statuses, JSON.stringify(faults)).to.deep.equal(jwts.map(() => [200, 401]))
    expect(await entries()).to.equal(100)
    expect(await redis.client.xLen('cierre:{c}:feed'), 'genesis, and each once').to.equal(101)
  })

  it('500 for an entry that cannot be merged, and 200 for the requests that share its round trip', async () => {
    await open()
    const claims = Array.from({ length: 40 }, () => freshClaims())
    const broken = [claims[7]!, claims[23]!].map(
      ({ iss, sid }) => `cierre:{c}:${claimKey('s', iss, sid)}`,
    )
    await redis.client.lPush(broken[0]!, 'a list')
    await redis.client.set(broken[1]!, 'a word')
    const tokens = await Promise.all(claims.map((one) => sign(one)))
    const statuses = (await Promise.all(tokens.map((jwt) => service.logout(jwt)))).map(
      ({ status }) => status,
    )
    expect(
      statuses.flatMap((status, index) => (status === 200 ? [] : [[index, status]])),
    ).to.deep.equal([
      [7, 500],
      [23, 500],
    ])
    const audited = (await redis.client.xRange('cierre:{c}:audit', '-', '+')).filter(
      ({ message }) => String(message['e']).includes('"success"'),
    )
    expect(audited, 'one event for each that succeeded').to.have.length(38)
    const again = await Promise.all(
      tokens.filter((_jwt, index) => statuses[index] === 200).map((jwt) => service.logout(jwt)),
    )
    expect(new Set(again.map(({ status }) => status))).to.deep.equal(new Set([401]))
    await redis.client.del(broken)
  })

  it('a revocation and its audit event are stored together or not at all', async () => {
    await open()
    const jwts = await Promise.all(Array.from({ length: 60 }, () => token()))
    const answers = jwts.map((jwt) =>
      service.logout(jwt).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    await until('some are stored', async () => (await entries()) > 0)
    await redis.kill()
    await Promise.all(answers)
    await redis.restart()
    const audited = (await redis.client.xRange('cierre:{c}:audit', '-', '+')).filter(
      ({ message }) => String(message['e']).includes('"success"'),
    )
    expect(audited.length).to.equal(await entries())
    expect(audited.length).to.equal((await redis.client.xLen('cierre:{c}:feed')) - 1)
  })
})
