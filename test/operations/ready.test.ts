import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { auditEvents, createRevocation, erase } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { until } from '../support/processes.js'
import { startProxy } from '../support/proxy.js'
import { startRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

describe('health', () => {
  it('asks the store once a second, for any number of requests', async () => {
    const redis = await startRedis()
    const clock = { ms: Date.now() }
    let checks = 0
    const network = await startProxy(
      () => redis.port,
      async (text) => {
        // Only the health check requests all sections of INFO.
        checks += text.split('*1\r\n$4\r\nINFO\r\n').length - 1
        return 'pass'
      },
    )
    const service = await startService({ REDIS_URL: network.url }, { now: () => clock.ms })
    try {
      // The start has requested them, too.
      clock.ms += 1_000
      checks = 0
      await Promise.all(Array.from({ length: 20 }, () => service.send({ path: '/health/ready' })))
      clock.ms += 999
      await service.send({ path: '/health/ready' })
      expect(checks).to.equal(1)
      clock.ms += 1
      await service.send({ path: '/health/ready' })
      expect(checks).to.equal(2)
    } finally {
      await service.stop()
      await network.stop()
      await redis.stop()
    }
  })

  it('503 where a logout would fail', async () => {
    const [redis, sessions, primary] = [await startRedis(), await startRedis(), await startRedis()]
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: sessions.url,
      SESSION_KEYS: 'sess:{sid}',
      STORE_TIMEOUT_MS: '5000',
    })
    const faults: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
      [
        'Redis demands a replica',
        () => redis.client.configSet('min-replicas-to-write', '1'),
        () => redis.client.configSet('min-replicas-to-write', '0'),
      ],
      [
        'a permission is missing',
        () => redis.client.sendCommand(['ACL', 'SETUSER', 'default', '-xadd']),
        () => redis.client.sendCommand(['ACL', 'SETUSER', 'default', '+xadd']),
      ],
      [
        'the session store is a replica',
        () => sessions.client.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.port)]),
        () => sessions.client.sendCommand(['REPLICAOF', 'NO', 'ONE']),
      ],
      [
        'the feed is no stream',
        () => redis.client.set('cierre:{c}:feed', 'text'),
        () => redis.client.del('cierre:{c}:feed'),
      ],
    ]
    try {
      expect((await service.logout(await token())).status).to.equal(200)
      for (const [name, spoil, restore] of faults) {
        expect(await service.isReady(), name).to.equal(true)
        await spoil()
        await until(`not ready: ${name}`, async () => !(await service.isReady()))
        expect((await service.logout(await token())).status, name).to.equal(500)
        await restore()
        await until(`ready again after: ${name}`, () => service.isReady())
      }
    } finally {
      await service.stop()
      for (const one of [redis, sessions, primary]) await one.stop()
    }
  })

  it('503 where Redis does not let session data be deleted, or replicas be awaited', async () => {
    const [redis, replica] = [await startRedis(), await startRedis()]
    const setUser = (...rules: string[]) =>
      redis.client.sendCommand(['ACL', 'SETUSER', 'cierre', ...rules])
    await setUser('on', '>cierre', '+@all', '~*', '&*')
    await replica.client.sendCommand(['REPLICAOF', '127.0.0.1', String(redis.port)])
    const service = await startService({
      REDIS_URL: redis.url.replace('//', '//cierre:cierre@'),
      SESSION_KEYS: 'sess:{sid}',
      REDIS_MIN_REPLICAS: '1',
    })
    try {
      await until('ready', () => service.isReady())
      for (const [without, again] of [
        [['resetkeys', '~cierre:{c}:*'], ['~*']],
        [['-append'], ['+append']],
        [['-wait'], ['+wait']],
      ] as const) {
        await setUser(...without)
        await until(`not ready: ${without.join(' ')}`, async () => !(await service.isReady()))
        expect((await service.logout(await token())).status).to.equal(500)
        await setUser(...again)
        await until('ready again', () => service.isReady())
        expect((await service.logout(await token())).status).to.equal(200)
      }
    } finally {
      await service.stop()
      await replica.stop()
      await redis.stop()
    }
  })

  it('200 with the permissions that OPERATING.md lists, 503 without one of them', async () => {
    const redis = await startRedis()
    const operating = readFileSync(new URL('../../OPERATING.md', import.meta.url), 'utf8')
    const [, rules = ''] = /user needs `(~cierre[^`]+)`/.exec(operating) ?? []
    expect(rules).to.include('+xinfo')
    const allow = (more: string[] = []) =>
      redis.client.sendCommand([
        'ACL',
        'SETUSER',
        'cierre',
        'reset',
        'on',
        '>cierre',
        ...rules.split(/\s+/),
        ...more,
      ])
    await allow()
    const service = await startService({
      CLIENTS: clientsVariable,
      // The client selects a database that is not the first.
      REDIS_URL: `${redis.url.replace('//', '//cierre:cierre@')}/1`,
    })
    try {
      await until('ready', () => service.isReady())
      const jwt = await token({ sub: 'erased' })
      expect((await service.logout(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(401)
      expect((await auditEvents(service)).status).to.equal(200)
      expect(
        (await erase(service, { iss: 'https://issuer.test', sub: 'erased' })).json,
      ).to.deep.equal({ erased: 2 })
      expect(
        (
          await createRevocation(service, {
            iss: 'https://issuer.test',
            sub: 'alice',
            reason: 'admin',
          })
        ).status,
      ).to.equal(200)
      await redis.client.flushAll()
      await until('a loss is repaired', () =>
        service.logged().some(({ msg }) => msg === 'revocations written back'),
      )
      await until('ready again', () => service.isReady())
      // Redis checks the permissions at each command, also on a connection that is open already.
      const complaints = () =>
        service.logged().filter(({ msg }) => msg === 'the feed cannot be followed').length
      const before = complaints()
      await allow(['-xinfo'])
      await redis.client.flushAll()
      await until('not ready', async () => !(await service.isReady()))
      await until('it says so', () => complaints() > before)
    } finally {
      await service.stop()
      await redis.stop()
    }
  })

  it('503 when the feed has not been read for 5 s', async () => {
    const redis = await startRedis()
    let isDeaf = false
    const network = await startProxy(
      () => redis.port,
      async (text) => (isDeaf && /XREAD|EVALSHA(?![^]*:history)/.test(text) ? 'cut' : 'pass'),
    )
    const service = await startService({ REDIS_URL: network.url })
    try {
      expect(await service.isReady()).to.equal(true)
      isDeaf = true
      await until('not ready', async () => !(await service.isReady()))
      isDeaf = false
      await until('ready again', () => service.isReady())
    } finally {
      await service.stop()
      await network.stop()
      await redis.stop()
    }
  })

  it('200 with a warning when Redis does not say its eviction policy, or says an empty one', async () => {
    const redis = await startRedis()
    // As long as the line of a Redis, since the answer says its length.
    let said = 'xaxmemory_policy:noeviction'
    const network = await startProxy(
      () => redis.port,
      async () => 'pass',
      (text) => text.replace('maxmemory_policy:noeviction', said),
    )
    const service = await startService({ REDIS_URL: network.url })
    const eviction = async () => {
      const { status, json } = await service.send({ path: '/health/ready' })
      const { checks } = json as { checks: { name: string; status: string }[] }
      return `${status} ${checks.find(({ name }) => name === 'eviction')?.status}`
    }
    try {
      for (const line of [said, 'maxmemory_policy:\r\nx:xxxxxx']) {
        said = line
        await until('it is ready', async () => (await eviction()) === '200 warning')
      }
      said = 'maxmemory_policy:allkeyslru'
      await until('another policy fails', async () => (await eviction()) === '503 failed')
      expect((await service.logout(await token())).status).to.equal(200)
    } finally {
      await service.stop()
      await network.stop()
      await redis.stop()
    }
  })

  it('503, and 500 at logout, while the clock is not that of Redis; a warning before that', async () => {
    const redis = await startRedis()
    let aheadMs = 0
    const service = await startService(
      { REDIS_URL: redis.url, MAX_CLOCK_SKEW_S: '60', STORE_TIMEOUT_MS: '5000' },
      { now: () => Date.now() + aheadMs },
    )
    const answers = async () => {
      const { status, json } = await service.send({ path: '/health/ready' })
      const { checks } = json as { checks: { name: string; status: string }[] }
      return `${status} ${checks.find(({ name }) => name === 'store')?.status}`
    }
    const logout = async () => (await service.logout(await token())).status
    const logged = (text: string) =>
      service
        .logged()
        .filter(({ msg }) => String(msg).startsWith(text))
        .map(({ level, aheadS }) => [level, Math.sign(Number(aheadS))])
    try {
      expect(await logout()).to.equal(200)
      for (const ms of [-30_000, 30_000]) {
        aheadMs = ms
        // A clock that is set back makes the service read every revocation again: not ready at first.
        await until('it is ready', () => service.isReady())
        expect(await logout()).to.equal(200)
      }
      for (const text of ['the clock is not', 'the clock drifts'])
        expect(logged(text)).to.deep.equal([])
      aheadMs = 50_000
      await until('it warns', () => logged('the clock drifts from that of Redis').length === 1)
      expect(await logout()).to.equal(200)
      for (const [ms, sign] of [
        [-3_600_000, -1],
        [100_000, 1],
      ] as const) {
        aheadMs = ms
        await until('it is not ready', async () => (await answers()) === '503 failed')
        expect(await logout()).to.equal(500)
        await until('it says why', () =>
          logged('the clock is not that of Redis:').some(([, found]) => found === sign),
        )
        aheadMs = 0
        await until('it is ready again', () => service.isReady())
        expect(await logout()).to.equal(200)
      }
      // A question from before a jump may be answered after it, and is logged as one more change.
      for (const [level] of logged('the clock is not that of Redis:'))
        expect(level).to.equal('error')
    } finally {
      await service.stop()
      await redis.stop()
    }
  })

  it('200 with a warning when persistence is off', async () => {
    const redis = await startRedis(['--appendonly', 'no'])
    const service = await startService({ REDIS_URL: redis.url })
    try {
      const { status, json } = await service.send({ path: '/health/ready' })
      expect(status).to.equal(200)
      expect((json as { checks: unknown[] }).checks).to.deep.include({
        name: 'persistence',
        status: 'warning',
      })
    } finally {
      await service.stop()
      await redis.stop()
    }
  })
})
