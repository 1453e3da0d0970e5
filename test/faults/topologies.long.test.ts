import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { reportFigure } from '../support/long.js'
import { until } from '../support/processes.js'
import { startProxy, type TestProxy } from '../support/proxy.js'
import type { TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'
import {
  startCluster,
  startSentinels,
  type ClusterTopology,
  type SentinelTopology,
  type TestTopology,
} from '../support/topologies.js'

const settings = { REDIS_MIN_REPLICAS: '1', STORE_TIMEOUT_MS: '1000', MAX_STALENESS_MS: '3000' }

const open = (url: string, env: Record<string, string> = {}, waitForStore = true) =>
  startService({ ...settings, REDIS_URL: url, ...env }, { waitForStore })

const verify = async (service: TestService, jwt: string) =>
  (
    await service.send({
      path: '/api/v1/auth/verify',
      headers: { authorization: `Bearer ${jwt}` },
    })
  ).status

/** A logout every 25 ms, until `stop`. */
function startLoad(service: TestService) {
  const acknowledged: { jwt: string; atMs: number }[] = []
  const statuses = new Set<number>()
  let isOver = false
  const logOut = async () => {
    const jwt = await token()
    const { status } = await service.logout(jwt)
    statuses.add(status)
    if (status === 200) acknowledged.push({ jwt, atMs: performance.now() })
  }
  const running = (async () => {
    const sent: Promise<void>[] = []
    while (!isOver) {
      sent.push(logOut())
      await pause(25)
    }
    await Promise.all(sent)
  })()
  return {
    acknowledged,
    statuses,
    async stop() {
      isOver = true
      await running
    },
  }
}

type Load = ReturnType<typeof startLoad>

/** Waits until the store could acknowledge again, and until it did: the time between, in ms. */
async function lateness(topology: TestTopology, load: Load, before: TestRedis): Promise<number> {
  await until('another primary could acknowledge', async () => {
    const primary = await topology.primary()
    if (primary === undefined || primary === before) return false
    const [role] = await primary.client.sendCommand<string[]>(['ROLE'])
    return role === 'master' && (await topology.onlineReplicas()) >= 1
  })
  const couldAtMs = performance.now()
  await until('a logout is acknowledged', () => (load.acknowledged.at(-1)?.atMs ?? 0) > couldAtMs)
  const first = load.acknowledged.find(({ atMs }) => atMs > couldAtMs)
  return (first?.atMs ?? Infinity) - couldAtMs
}

/** The answers of an instance, other than 401, for the tokens that got a 200. */
async function notRefused(service: TestService, { acknowledged }: Load): Promise<number[]> {
  const statuses = await Promise.all(acknowledged.map(({ jwt }) => verify(service, jwt)))
  return statuses.filter((status) => status !== 401)
}

/** Every token that got a 200 is refused by an instance that starts when all others are gone. */
async function expectNoneLost(url: string, load: Load): Promise<void> {
  const fresh = await open(url)
  try {
    await until('it is ready', () => fresh.isReady())
    expect(await notRefused(fresh, load)).to.deep.equal([])
  } finally {
    await fresh.stop()
  }
}

/**
 * A failover without a kill leaves two primaries for a moment. What the old one acknowledged, before
 * the instance learnt of the new one, is written back by the instance.
 */
async function untilWrittenBack(url: string, load: Load): Promise<void> {
  const other = await open(url)
  try {
    await until(
      'another instance refuses all tokens',
      async () => (await notRefused(other, load)).length === 0,
    )
  } finally {
    await other.stop()
  }
}

const starts: Record<string, () => Promise<TestTopology>> = {
  'a primary, two replicas and three sentinels': startSentinels,
  'a cluster of six nodes': startCluster,
}

for (const [name, start] of Object.entries(starts))
  describe(`${name}: no acknowledged logout is lost, and the primary is followed`, function () {
    this.timeout(600_000)
    let topology: TestTopology
    let service: TestService
    beforeEach(async () => {
      topology = await start()
      service = await open(topology.url)
      await until('it is ready', () => service.isReady())
    })
    afterEach(async () => {
      await service.stop()
      await topology.stop()
    })

    it('kill -9 of the primary under a logout every 25 ms; 401 for each token that got a 200', async () => {
      const load = startLoad(service)
      await until('100 logouts', () => load.acknowledged.length >= 100)
      const primary = (await topology.primary())!
      await primary.kill()
      const lateMs = await lateness(topology, load, primary)
      const count = load.acknowledged.length
      await until('100 more', () => load.acknowledged.length >= Math.max(200, count + 100))
      await load.stop()
      expect([...load.statuses].filter((status) => status !== 200 && status !== 500)).to.deep.equal(
        [],
      )
      await service.stop()
      await expectNoneLost(topology.url, load)
      reportFigure(`200 after kill -9 of the primary, ${name}`, lateMs)
      await primary.restart()
    })

    it('failover there and back without a kill; 401 for each token that got a 200', async () => {
      const load = startLoad(service)
      for (let time = 0; time < 2; time += 1) {
        await until('50 logouts', () => load.acknowledged.length >= 50 * (time + 1))
        await until('a replica is online', async () => (await topology.onlineReplicas()) >= 1)
        const before = (await topology.primary())!
        await topology.failOver()
        await lateness(topology, load, before)
      }
      await load.stop()
      await untilWrittenBack(topology.url, load)
      await service.stop()
      await expectNoneLost(topology.url, load)
    })

    it('no more connections after outages than before; the primary is in the metrics', async () => {
      const before = (await topology.connections()).length
      expect(before).to.be.above(0)
      for (let outage = 0; outage < 10; outage += 1) {
        await until('replicas are online', async () => (await topology.onlineReplicas()) >= 1)
        const primary = (await topology.primary())!
        await primary.kill()
        await until('200', async () => (await service.logout(await token())).status === 200)
        await primary.restart()
      }
      await until('ready', () => service.isReady())
      const { text } = await service.send({ path: '/metrics' })
      expect(text).to.match(/^cierre_store_primary\{address="127\.0\.0\.1:\d+"\} 1$/m)
      expect(text).to.match(/^cierre_store_reconnects_total\{reason="closed"\} [1-9]/m)
      await until(
        'as many connections as before',
        async () => (await topology.connections()).length <= before,
      )
    })
  })

describe('a cluster of six nodes', function () {
  this.timeout(300_000)
  let cluster: ClusterTopology
  const services: TestService[] = []
  before(async () => {
    cluster = await startCluster()
  })
  after(async () => {
    for (const service of services) await service.stop()
    await cluster.stop()
  })
  const opened = async (...args: Parameters<typeof open>) => {
    const service = await open(...args)
    services.push(service)
    return service
  }

  it('500 from a plain URL at a node without the slot, and the URL to write is logged', async () => {
    const wrong = await opened(cluster.others[0]!.url, {}, false)
    await until('it is logged', () =>
      JSON.stringify(wrong.logged()).includes(`write redis+cluster://`),
    )
    expect(await wrong.isReady()).to.equal(false)
    expect((await wrong.logout(await token())).status).to.equal(500)
  })

  it('200 from a plain URL at the owner of the slot, with a warning', async () => {
    const owner = (await cluster.primary())!
    const service = await opened(owner.url)
    await until('ready', () => service.isReady())
    expect((await service.logout(await token())).status).to.equal(200)
    const warnings = service.logged().filter(({ level }) => level === 'warn')
    expect(warnings.map(({ msg }) => msg).join()).to.include('write redis+cluster://')
  })

  it('200 once it is stored, and session data is deleted in whatever slot it is', async () => {
    const service = await opened(cluster.url, { SESSION_KEYS: 'sess:{sid},other:{sid}' })
    const sids = Array.from({ length: 12 }, (_, index) => `sid-${index}`)
    const primaries = [(await cluster.primary())!, ...cluster.others]
    const stored = async () =>
      (await Promise.all(primaries.map(({ client }) => client.keys('*sid-*')))).flat().length
    for (const sid of sids)
      for (const key of [`sess:${sid}`, `other:${sid}`])
        await Promise.any(primaries.map(({ client }) => client.set(key, 'data')))
    expect(await stored()).to.equal(24)
    await until('ready', () => service.isReady())
    for (const sid of sids) {
      const jwt = await token({ sid })
      // A new connection to a node may take longer than the deadline of a busy machine: then 500.
      await until('it is logged out', async () =>
        [200, 401].includes((await service.logout(jwt)).status),
      )
    }
    expect(await stored()).to.equal(0)
  })

  it('a slot migration: 200 again after it, and 401 for each token that got a 200', async () => {
    const [to] = cluster.others
    // The target has one replica, as the commits demand.
    const service = await opened(cluster.url)
    await until('ready', () => service.isReady())
    const load = startLoad(service)
    await until('100 logouts', () => load.acknowledged.length >= 100)
    await cluster.migrate(to!)
    const migratedAtMs = performance.now()
    await until('200', () => (load.acknowledged.at(-1)?.atMs ?? 0) > migratedAtMs)
    const lateMs = load.acknowledged.find(({ atMs }) => atMs > migratedAtMs)!.atMs - migratedAtMs
    await until('200 logouts', () => load.acknowledged.length >= 200)
    await load.stop()
    reportFigure('200 after a slot migration', lateMs)
    for (const each of services.splice(0)) await each.stop()
    await expectNoneLost(cluster.url, load)
  })
})

describe('three sentinels', function () {
  this.timeout(300_000)
  const maxStalenessMs = Number(settings.MAX_STALENESS_MS)
  let topology: SentinelTopology
  const services: TestService[] = []
  const proxies: TestProxy[] = []
  beforeEach(async () => {
    topology = await startSentinels()
  })
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop()
    for (const proxy of proxies.splice(0)) await proxy.stop()
    await topology.stop()
  })

  it('500 from a plain URL at a sentinel, with a password or without, and the URL to write is logged', async () => {
    const [{ port } = { port: 0 }] = topology.sentinels
    for (const user of ['', ':secret@']) {
      const wrong = await open(`redis://${user}127.0.0.1:${port}`, {}, false)
      services.push(wrong)
      await until('it is logged', () =>
        /write redis\+sentinel:\/\/(?::PASSWORD@)?127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\/main/.test(
          JSON.stringify(wrong.logged()),
        ),
      )
      expect(await wrong.isReady()).to.equal(false)
      expect((await wrong.logout(await token())).status).to.equal(500)
    }
  })

  it('two live primaries: within the bound no check on the old side accepts; 500 there', async () => {
    for (const { port } of topology.sentinels)
      proxies.push(
        await startProxy(
          () => port,
          async () => 'pass',
        ),
      )
    const list = proxies.map(({ url }) => url.slice('redis://'.length)).join(',')
    const cutOff = await open(`redis+sentinel://${list}/main`)
    const other = await open(topology.url)
    services.push(cutOff, other)
    for (const service of services) await until('ready', () => service.isReady())
    const tokens = await Promise.all(Array.from({ length: 4 }, () => token()))
    for (const jwt of tokens) expect(await verify(cutOff, jwt)).to.equal(200)
    // From here on it hears of no failover, and the old primary goes on answering it for some time.
    proxies.forEach((proxy) => proxy.swallow())
    await topology.failOver()
    const revoked: { jwt: string; atMs: number }[] = []
    for (const jwt of tokens) {
      // A logout whose 500 was stored all the same is answered with a 401 when it is repeated.
      await until('it is revoked on the new side', async () =>
        [200, 401].includes((await other.logout(jwt)).status),
      )
      revoked.push({ jwt, atMs: performance.now() })
    }
    const late: number[] = []
    await until('it refuses to tell', async () => {
      const startedAtMs = performance.now()
      const statuses = await Promise.all(revoked.map(({ jwt }) => verify(cutOff, jwt)))
      for (const [index, { atMs }] of revoked.entries())
        if (statuses[index] === 200 && startedAtMs - atMs > maxStalenessMs)
          late.push(startedAtMs - atMs)
      // What it has heard of all the same is refused as revoked.
      return statuses.every((status) => status === 503 || status === 401)
    })
    expect(await verify(cutOff, await token())).to.equal(503)
    expect(late).to.deep.equal([])
    expect((await cutOff.logout(await token())).status).to.equal(500)
    expect(await cutOff.isReady()).to.equal(false)
  })
})
