import { expect } from 'chai'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { createStoreFollower } from '../../src/feed/store-follower.js'
import { commitOf } from '../../src/revocation/commit.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import type { Entry } from '../../src/revocation/entry.js'
import { openStores } from '../../src/store/open.js'
import type { Stores } from '../../src/store/stores.js'
import { claimKey } from '../../src/token/keys.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { appendRevocations } from '../support/many-revocations.js'
import { quietOutages } from '../support/outages.js'
import { startProxy } from '../support/proxy.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { follow } from '../support/sse.js'
import { hmacSecret, token } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'

const positionOf = async (service: TestService) =>
  (
    (await service.send({ path: feedPath('position'), headers: asClient() })).json as {
      position: string
    }
  ).position
describe('an instance when Redis loses revocations', () => {
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
    service
      .logged()
      .filter(({ historyLost, level }) => historyLost !== undefined && level === 'error').length
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
  const restored = () => redis.client.keys('cierre:{c}:[tsujn]:*')

  for (const [name, lose] of [
    ['flushed', () => redis.client.flushAll()],
    ['restarted empty', () => redis.restart({ empty: true })],
    ['the feed deleted', () => redis.client.del('cierre:{c}:feed')],
  ] as [string, () => Promise<unknown>][]) {
    it(`${name}: an alarm, and not ready until everything is written back; every revoked token stays 401`, async () => {
      const [one, other] = [await open(), await open()]
      const jwts = [...(await revoked(one, 20)), ...(await revoked(other, 20))]
      const keysBefore = (await restored()).sort()
      const reader = await follow(one.origin, await positionOf(one), asClient())
      await lose()
      await until('both raise the alarm', () => lost(one) === 1 && lost(other) === 1)
      expect(await one.isReady()).to.equal(false)
      expect((await one.send({ path: feedPath('snapshot'), headers: asClient() })).status).to.equal(
        503,
      )
      await until('the reader is told', () => reader.events.at(-1)?.event === 'gap')
      await until('both are ready', async () => (await one.isReady()) && (await other.isReady()))
      expect((await restored()).sort()).to.deep.equal(keysBefore)
      const events = await redis.client.xLen('cierre:{c}:feed')
      if (name === 'the feed deleted') expect(events, 'every entry is there').to.be.at.most(10)
      else expect(events, 'one for each, by the first to write it').to.be.at.least(41)
      for (const service of [one, other, await open()])
        for (const jwt of jwts) expect((await service.logout(jwt)).status).to.equal(401)
    })
  }

  it('flushed again while it writes back: another alarm, and everything is written back again', async () => {
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

  it('flushed again in the midst of many: both losses are noticed, and every entry is there in the end', async () => {
    await appendRevocations(redis, 60_000)
    const service = await open()
    await redis.client.flushAll()
    await until('some are written back', async () => (await redis.client.dbSize()) > 1_000)
    await redis.client.flushAll()
    await until('it is ready', async () => lost(service) === 2 && (await service.isReady()))
    expect(await restored()).to.have.length(60_000)
  })

  it('the feed trimmed past an instance that was cut off: reads everything again, without an alarm', async () => {
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

  it('trimmed to nothing: ready again, without an alarm, and the feed goes on', async () => {
    const services = [await open(), await open()]
    const jwts = await revoked(services[0]!, 5)
    await redis.client.xTrim('cierre:{c}:feed', 'MAXLEN', 0)
    for (const service of services) {
      await until('it has read everything again', () =>
        service.logged().some(({ msg }) => String(msg).startsWith('the feed was trimmed')),
      )
      await until('it is ready', () => service.isReady())
      expect(lost(service)).to.equal(0)
    }
    jwts.push(...(await revoked(services[1]!, 5)))
    for (const service of [...services, await open()])
      for (const jwt of jwts) expect((await service.logout(jwt)).status).to.equal(401)
  })

  it('a failover that loses a write which the instance has not read in the feed yet: the write is written back', async () => {
    const replica = await startRedis()
    await replica.client.sendCommand(['REPLICAOF', '127.0.0.1', String(redis.port)])
    let port = redis.port
    let holds = false
    let release: () => void = () => undefined
    const released = new Promise<'cut'>((resolve) => (release = () => resolve('cut')))
    // The script that reads pages of the feed does not get the key with the name of the epoch.
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
        async () => (await replica.client.keys('cierre:{c}:[tsujn]:*')).length === 2,
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
        async () => (await replica.client.keys('cierre:{c}:[tsujn]:*')).length === 3,
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

  it('a failover to a replica that lagged: not ready until everything that the instance knows is written back', async () => {
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
        async () => (await toReplica.keys('cierre:{c}:[tsujn]:*')).length === 5,
      )
      // From here on the replica is cut off from its primary, and lags.
      await toReplica.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
      const late = await revoked(service, 5)
      await redis.kill()
      await toReplica.sendCommand(['REPLICAOF', 'NO', 'ONE'])
      port = replica.port
      await until('it is ready again', () => service.isReady())
      expect(lost(service)).to.equal(1)
      expect(await toReplica.keys('cierre:{c}:[tsujn]:*')).to.have.length(10)
      for (const jwt of [...early, ...late])
        expect((await service.logout(jwt)).status).to.equal(401)
    } finally {
      await proxy.stop()
      await replica.stop()
      await redis.restart()
    }
  })
})

/** A merge that adds less than a second to a life changes nothing, and sends no event. */
describe('an instance that follows a quiet feed', () => {
  it('sends a read and the wait for what follows it at once, so that no event falls between the two', async () => {
    const redis = await startRedis()
    let isSentAtOnce = false
    const proxy = await startProxy(
      () => Number(new URL(redis.url).port),
      async (text) => {
        const [read, wait] = [text.indexOf('EVALSHA'), text.indexOf('XREAD')]
        if (read >= 0 && wait > read) isSentAtOnce = true
        return 'pass'
      },
    )
    const service = await startService({ REDIS_URL: proxy.url })
    try {
      await until('a read and its wait', () => isSentAtOnce)
      const jwt = await token()
      expect((await service.logout(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(401)
    } finally {
      await service.stop()
      await proxy.stop()
      await redis.stop()
    }
  })
})

describe('an instance misses no write that the store calls stored, whatever the store held before', () => {
  const untilMs = Date.now() + 3_600_000
  const prolonged = Array.from({ length: 1_001 }, (_, step) => ({
    key: claimKey('s', '', String(step))!,
    untilMs: untilMs + 5 * step,
  }))
  const before = prolonged.map(({ key }) => ({ key, untilMs }))
  const log = pino({ level: 'silent' })
  const ignore = () => undefined
  let redis: TestRedis
  let closing: (() => Promise<void>)[]
  beforeEach(async () => {
    redis = await startRedis()
    closing = [redis.stop]
  })
  afterEach(async () => {
    for (const close of closing) await close()
  })

  async function open(aheadMs: number): Promise<Stores> {
    const stores = openStores({
      config: parseConfig({ JWT_SECRET: hmacSecret, REDIS_URL: redis.url }),
      log,
      now: () => Date.now() + aheadMs,
      observe: ignore,
      outages: quietOutages(),
    })
    closing.unshift(stores.close)
    await until('connected', () =>
      stores.feed.begin().then(
        () => true,
        () => false,
      ),
    )
    return stores
  }

  function openFollower(stores: Stores) {
    const liveSet = createLiveSet(Date.now)
    const follower = createStoreFollower({
      feed: stores.feed,
      liveSet,
      restore: async () => undefined,
      onEvents: ignore,
      onGap: ignore,
      onSnapshot: ignore,
      onSnapshotPart: ignore,
      onProven: ignore,
      onFreshness: ignore,
      onTrouble: ignore,
      log,
      outage: quietOutages().feed,
      now: Date.now,
      timeoutMs: 60_000,
      maxStalenessMs: 5_000,
    })
    closing.unshift(follower.close)
    const isAt = (entry: Entry) => liveSet.covers(entry) || follower.counts().historyLost > 0
    return { follower, isAt }
  }

  for (const aheadMs of [0, -3_000]) {
    const clocks = `the clock of the first writer is ${-aheadMs / 1000} s behind that of Redis`

    it(`seen by a scan; ${clocks}`, async () => {
      const [first, second] = [await open(aheadMs), await open(0)]
      const { follower } = openFollower(second)
      await first.revocations.commit(commitOf(before))
      await second.revocations.commit(commitOf(prolonged))
      for (const entry of prolonged) follower.stored(entry)
      follower.start()
      await until(
        'it follows, or misses a write',
        () => follower.position() !== undefined || follower.counts().historyLost > 0,
      )
      expect(follower.counts().historyLost).to.equal(0)
    })

    it(`seen by events; ${clocks}`, async () => {
      const [first, second] = [await open(aheadMs), await open(0)]
      const { follower, isAt } = openFollower(second)
      follower.start()
      await until('it follows', () => follower.position() !== undefined)
      await first.revocations.commit(commitOf(before))
      await until('the events have arrived', () => before.every(isAt))
      await second.revocations.commit(commitOf(prolonged))
      for (const entry of prolonged) follower.stored(entry)
      for (const name of ['a further event', 'another one']) {
        const further = { key: claimKey('s', '', name)!, untilMs }
        await second.revocations.commit(commitOf([further]))
        await until(name, () => isAt(further))
      }
      expect(follower.counts().historyLost).to.equal(0)
    })
  }
})
