import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createRevocation } from '../support/asking.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { appendRevocations } from '../support/many-revocations.js'
import { startProxy } from '../support/proxy.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { follow } from '../support/sse.js'
import { token } from '../support/tokens.js'

const revokeSession = (service: TestService) =>
  createRevocation(service, { iss: 'https://issuer.test', sid: randomUUID(), reason: 'admin' })
const positionOf = async (service: TestService) =>
  (
    (await service.send({ path: '/api/v1/revocations/position', headers: asClient() })).json as {
      position: string
    }
  ).position
const idOf = (position: string) => position.slice(0, position.indexOf('.'))

for (const store of ['memory', 'redis'] as const) {
  describe(`the feed on the ${store} store`, () => {
    let redis: TestRedis | undefined
    let service: TestService
    before(async () => {
      redis = store === 'redis' ? await startRedis() : undefined
      service = await startService({
        CLIENTS: clientsVariable,
        ...(redis && { REDIS_URL: redis.url }),
      })
    })
    after(async () => {
      await service.stop()
      await redis?.stop()
    })

    it('200: begins with the event of the position, and goes on with every revocation, within its headers', async () => {
      const from = await positionOf(service)
      const reader = await follow(service.origin, from, asClient())
      expect(reader.response.headers).to.include({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      })
      const keys: string[] = []
      for (let one = 0; one < 50; one += 1)
        keys.push(((await revokeSession(service)).json as { key: string }).key)
      await until('all came', () => reader.events.length === 51)
      expect(reader.events[0]?.id).to.equal(from)
      expect(
        reader.events.slice(1).map(({ data }) => (JSON.parse(data) as { key: string }).key),
      ).to.deep.equal(keys)
      expect(await positionOf(service)).to.equal(reader.events.at(-1)?.id)
      reader.stop()

      const middle = reader.events[20]!.id!
      const again = await follow(service.origin, from, { ...asClient(), 'last-event-id': middle })
      await until('the rest came', () => again.events.length === 31)
      expect(again.events.map(({ id }) => id)).to.deep.equal(
        reader.events.slice(20).map(({ id }) => id),
      )
      again.stop()
    })

    it('tells a gap, and ends, when the position is not there; 400 without one', async () => {
      const at = await positionOf(service)
      for (const from of [
        '1-0.genesis',
        '9999999999999-0.genesis',
        `${idOf(at)}.t:AAAAAAAAAAAAAAAAAAAAAA`,
      ]) {
        const reader = await follow(service.origin, from, asClient())
        await until('it ends', () => reader.ended())
        expect(
          reader.events.map(({ event }) => event),
          from,
        ).to.deep.equal(['gap'])
      }
      for (const headers of [
        {},
        { 'last-event-id': 'x' },
        { 'last-event-id': `${idOf(at)}.t:short` },
      ]) {
        expect(
          (
            await service.send({
              path: '/api/v1/revocations/events',
              headers: { ...asClient(), ...headers },
            })
          ).status,
        ).to.equal(400)
      }
    })

    it('ends at once when the service drains', async () => {
      const own = await startService({
        CLIENTS: clientsVariable,
        ...(redis && { REDIS_URL: redis.url }),
      })
      const reader = await follow(own.origin, await positionOf(own), asClient())
      await until('it has begun', () => reader.events.length === 1)
      const startedAt = performance.now()
      await own.drain(10_000)
      expect(performance.now() - startedAt).to.be.below(5_000)
      await until('it has ended', () => reader.ended())
      await own.stop()
    })
  })
}

describe('the feed under those who ask much and read little', () => {
  let redis: TestRedis
  let service: TestService
  before(async () => {
    redis = await startRedis(['--appendfsync', 'no'])
    await append(200_000)
    service = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
  })
  after(async () => {
    await service.stop()
    await redis.client.flushAll()
    await redis.stop()
  })
  const append = (count: number) => appendRevocations(redis, count)
  const open = async (path: string) => {
    const { hostname, port } = new URL(service.origin)
    const asked = request({ hostname, port, path, headers: asClient(), agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    // It takes what it is given until its buffers are full, and then nothing.
    return { asked, response }
  }

  it('serves four snapshots at a time, then 429, until one of them is read or goes away', async () => {
    const slow = await Promise.all(
      Array.from({ length: 4 }, () => open('/api/v1/revocations/snapshot')),
    )
    const snapshot = () =>
      service.send({ path: '/api/v1/revocations/snapshot', headers: asClient() })
    const refused = await snapshot()
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([429, '1'])
    slow[0]!.asked.destroy()
    await until('there is room', async () => (await snapshot()).status === 200)
    let bytes = 0
    for await (const piece of slow[1]!.response) bytes += (piece as Buffer).length
    expect(bytes).to.be.above(200_000 * 25)
    slow.forEach(({ asked }) => asked.destroy())
  })

  it('a reader that was away for long gets all that it missed, as fast as it reads', async () => {
    const from = await positionOf(service)
    await append(50_000)
    const reader = await follow(service.origin, from, asClient())
    await until('it has everything', () => reader.events.length === 50_001)
    await append(10_000)
    await until('it follows', () => reader.events.length === 60_001)
    expect(new Set(reader.events.map(({ id }) => id)).size).to.equal(60_001)
    reader.stop()
  })

  it('cuts a reader that lags, instead of keeping everything for it, and serves the others', async () => {
    const from = await positionOf(service)
    const idle = await open(`/api/v1/revocations/events?from=${from}`)
    const reader = await follow(service.origin, from, asClient())
    await until('both follow', () => service.subscribers() === 2)
    let appended = 0
    while (service.subscribers() === 2 && appended < 400_000) {
      await append(10_000)
      appended += 10_000
      await until('the reader has it', () => reader.events.length === appended + 1)
    }
    expect(service.subscribers()).to.equal(1)
    expect(reader.ended()).to.equal(false)
    idle.asked.destroy()
    reader.stop()
  })
})

describe('the feed when Redis loses what it had', () => {
  let redis: TestRedis
  const services: TestService[] = []
  const open = async (url = redis.url) => {
    const service = await startService({
      CLIENTS: clientsVariable,
      REDIS_URL: url,
      STORE_TIMEOUT_MS: '2000',
    })
    services.push(service)
    return service
  }
  const lost = (service: TestService) =>
    service.logged().filter(({ historyLost, level }) => historyLost !== undefined && level === 50)
      .length
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop()
    await redis.stop()
  })
  const revoked = async (service: TestService, count: number) => {
    const jwts: string[] = []
    for (let one = 0; one < count; one += 1) {
      const jwt = await token(one % 2 === 0 ? { sid: undefined } : {})
      expect((await service.logout(jwt)).status).to.equal(200)
      jwts.push(jwt)
    }
    return jwts
  }
  const restored = () => redis.client.keys('cierre:{c}:[tsuj]:*')

  for (const [name, lose] of [
    ['flushed', () => redis.client.flushAll()],
    ['restarted empty', () => redis.restart({ empty: true })],
    ['the feed deleted', () => redis.client.del('cierre:{c}:feed')],
  ] as [string, () => Promise<unknown>][]) {
    it(`${name}: an alarm, not ready, written back, ready; no token comes back`, async () => {
      const [one, other] = [await open(), await open()]
      const jwts = [...(await revoked(one, 20)), ...(await revoked(other, 20))]
      const keysBefore = (await restored()).sort()
      const reader = await follow(one.origin, await positionOf(one), asClient())
      await lose()
      await until('both raise the alarm', () => lost(one) === 1 && lost(other) === 1)
      expect(await one.isReady()).to.equal(false)
      expect(
        (await one.send({ path: '/api/v1/revocations/snapshot', headers: asClient() })).status,
      ).to.equal(503)
      await until('the reader is told', () => reader.events.at(-1)?.event === 'gap')
      await until('both are ready', async () => (await one.isReady()) && (await other.isReady()))
      expect((await restored()).sort()).to.deep.equal(keysBefore)
      for (const service of [one, other, await open()])
        for (const jwt of jwts) expect((await service.logout(jwt)).status).to.equal(401)
    })
  }

  it('lost again while it is written back: another alarm, and written back again', async () => {
    const service = await open()
    const jwts = await revoked(service, 20)
    const isTold = (message: string) =>
      service.logged().filter(({ msg }) => String(msg).startsWith(message)).length
    for (let loss = 1; loss <= 3; loss += 1) {
      await redis.client.flushAll()
      await until('it is written back', () => isTold('revocations written back') === loss)
    }
    await until('it is ready', () => service.isReady())
    expect(lost(service)).to.equal(3)
    const other = await open()
    for (const jwt of jwts) expect((await other.logout(jwt)).status).to.equal(401)
  })

  it('trimmed past an instance that was away: reads everything again, without an alarm', async () => {
    let isUp = true
    const proxy = await startProxy(
      () => redis.port,
      async () => (isUp ? 'pass' : 'cut'),
    )
    const away = await open(proxy.url)
    const here = await open()
    isUp = false
    const jwts = await revoked(here, 10)
    await redis.client.xTrim('cierre:{c}:feed', 'MAXLEN', 2)
    isUp = true
    await until('it has caught up', async () => away.position() === (await positionOf(here)))
    expect(lost(away)).to.equal(0)
    for (const jwt of jwts) expect((await away.logout(jwt)).status).to.equal(401)
    await proxy.stop()
  })

  it('failed over to a replica that lacks what the instance has not met in the feed: it is written back', async () => {
    const replica = await startRedis()
    await replica.client.sendCommand(['REPLICAOF', '127.0.0.1', String(redis.port)])
    let port = redis.port
    let holds = false
    let release: () => void = () => undefined
    const released = new Promise<'cut'>((resolve) => (release = () => resolve('cut')))
    // Pages of the feed are read by a script that does not know its history.
    const proxy = await startProxy(
      () => port,
      async (text) =>
        holds && text.includes('EVALSHA') && !text.includes(':history') ? released : 'pass',
    )
    try {
      const service = await open(proxy.url)
      await revoked(service, 2)
      await until(
        'the replica has them',
        async () => (await replica.client.keys('cierre:{c}:[tsuj]:*')).length === 2,
      )
      await replica.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
      holds = true
      const [jwt = ''] = await revoked(service, 1)
      port = replica.port
      holds = false
      release()
      await redis.kill()
      await until(
        'it is written back',
        async () => (await replica.client.keys('cierre:{c}:[tsuj]:*')).length === 3,
      )
      expect(lost(service)).to.equal(1)
      const other = await open(replica.url)
      expect((await other.logout(jwt)).status).to.equal(401)
    } finally {
      await proxy.stop()
      await replica.stop()
      await redis.restart()
    }
  })

  it('failed over to a replica that lagged: what the instance knows is written back before it is ready', async () => {
    const replica = await startRedis()
    const toReplica = replica.client
    await toReplica.sendCommand(['REPLICAOF', '127.0.0.1', String(redis.port)])
    let port = redis.port
    const proxy = await startProxy(
      () => port,
      async () => 'pass',
    )
    try {
      await until('the replica is filled', async () =>
        String(await toReplica.info('replication')).includes('master_link_status:up'),
      )
      const service = await open(proxy.url)
      const early = await revoked(service, 5)
      await until(
        'the replica has them',
        async () => (await toReplica.keys('cierre:{c}:[tsuj]:*')).length === 5,
      )
      // Cut off from its primary, it lags from here on.
      await toReplica.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
      const late = await revoked(service, 5)
      await redis.kill()
      await toReplica.sendCommand(['REPLICAOF', 'NO', 'ONE'])
      port = replica.port
      await until('it is ready again', () => service.isReady(), 25_000)
      expect(lost(service)).to.equal(1)
      expect(await toReplica.keys('cierre:{c}:[tsuj]:*')).to.have.length(10)
      for (const jwt of [...early, ...late])
        expect((await service.logout(jwt)).status).to.equal(401)
    } finally {
      await proxy.stop()
      await replica.stop()
      await redis.restart()
    }
  })
})
