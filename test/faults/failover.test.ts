import { expect } from 'chai'
import { createRevocation } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { until } from '../support/processes.js'
import { startProxy, type TestProxy } from '../support/proxy.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token } from '../support/tokens.js'

describe('a failover to a replica that lagged, and back again', () => {
  let [a, b]: TestRedis[] = []
  let primary: TestRedis
  let replica: TestRedis
  const services: TestService[] = []
  const proxies: TestProxy[] = []
  beforeEach(async () => {
    ;[a, b] = [await startRedis(), await startRedis()]
    primary = a
    replica = b
    await follow(replica, primary)
  })
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop()
    for (const proxy of proxies.splice(0)) await proxy.stop()
    for (const redis of [a, b]) await redis?.stop()
  })

  const open = async (url: string, now: () => number = Date.now) => {
    const service = await startService(
      { CLIENTS: clientsVariable, REDIS_URL: url, STORE_TIMEOUT_MS: '2000' },
      { now },
    )
    services.push(service)
    return service
  }
  const close = async (service: TestService) => {
    services.splice(services.indexOf(service), 1)
    await service.stop()
  }
  /**
   * Between an instance and the primary. It passes everything on, cuts connections, or holds reads of
   * the feed until `release`.
   */
  const openProxy = async (port: () => number) => {
    const state = { fate: 'pass' as 'pass' | 'cut', holds: false, release: () => undefined as void }
    const released = new Promise<void>((resolve) => (state.release = resolve))
    const proxy = await startProxy(port, async (text) => {
      // The script that reads pages of the feed does not get the key with the name of the epoch.
      if (
        state.holds &&
        text.includes('EVALSHA') &&
        text.includes(':feed') &&
        !text.includes(':history')
      )
        await released
      return state.fate
    })
    proxies.push(proxy)
    return Object.assign(state, { url: proxy.url })
  }
  const link = async (redis: TestRedis) => String(await redis.client.info('replication'))
  async function follow(one: TestRedis, other: TestRedis) {
    await one.client.sendCommand(['REPLICAOF', '127.0.0.1', String(other.port)])
    await until('the replica is filled', async () =>
      (await link(one)).includes('master_link_status:up'),
    )
  }
  const promote = (one: TestRedis) => one.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
  /** Cuts the replica off from its primary, so that it lags. */
  const cutOff = () => replica.client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
  const thereAndBack = async (meanwhile: () => Promise<unknown> = async () => undefined) => {
    await promote(replica)
    await follow(primary, replica)
    await meanwhile()
    await promote(primary)
    await follow(replica, primary)
  }
  const loggedOut = async (service: TestService, count: number) => {
    const jwts = await Promise.all(Array.from({ length: count }, () => token()))
    for (const jwt of jwts) expect((await service.logout(jwt)).status).to.equal(200)
    return jwts
  }
  const keys = async (redis: TestRedis) => (await redis.client.keys('cierre:{c}:[tsujn]:*')).length
  const alarms = (service: TestService) =>
    service
      .logged()
      .filter(({ historyLost, level }) => historyLost !== undefined && level === 'error')
  const restored = (service: TestService) =>
    service
      .logged()
      .filter(({ msg }) => msg === 'revocations written back')
      .map((line) => line['restored'])
  const metricOf = async (service: TestService, name: string) =>
    Number(
      new RegExp(`^${name} (\\d+)$`, 'm').exec(
        (await service.send({ path: '/metrics' })).text,
      )?.[1],
    )
  const expectRefused = async (service: TestService, jwts: readonly string[]) => {
    for (const jwt of jwts) {
      expect(
        (
          await service.send({
            path: '/api/v1/auth/verify',
            headers: { authorization: `Bearer ${jwt}` },
          })
        ).status,
      ).to.equal(401)
    }
  }

  it('while the instance is connected: an alarm, and the loss is written back; 401 from a new instance', async () => {
    const living = await open(primary.url)
    const early = await loggedOut(living, 5)
    await until('the replica has them', async () => (await keys(replica)) === 5)
    await cutOff()
    const late = await loggedOut(living, 3)
    await thereAndBack()
    await until('it is written back', async () => (await keys(primary)) === 8)
    await until('it is ready again', () => living.isReady())
    expect(alarms(living)).to.have.length(1)
    expect(restored(living)).to.deep.equal([8])
    expect(await metricOf(living, 'cierre_revocations_restored_total')).to.equal(8)
    await expectRefused(await open(primary.url), [...early, ...late])
  })

  it('while the instance is cut off, and the feed grows meanwhile: an alarm, not a trimmed feed', async () => {
    const network = await openProxy(() => primary.port)
    const living = await open(network.url)
    const early = await loggedOut(living, 5)
    await until('the replica has them', async () => (await keys(replica)) === 5)
    await cutOff()
    const late = await loggedOut(living, 3)
    const before = await primary.client.xRevRange('cierre:{c}:feed', '+', '-', { COUNT: 1 })
    network.fate = 'cut'
    let others: string[] = []
    await thereAndBack(async () => {
      const other = await open(replica.url)
      others = await loggedOut(other, 10)
      await close(other)
      await until('the old primary has them', async () => (await keys(primary)) === 15)
    })
    const after = await primary.client.xRevRange('cierre:{c}:feed', '+', '-', { COUNT: 1 })
    expect(Number(after[0]?.id.split('-')[0]), 'the end of the feed is later').to.be.at.least(
      Number(before[0]?.id.split('-')[0]),
    )
    network.fate = 'pass'
    await until('it is written back', async () => (await keys(primary)) === 18)
    await until('it is ready again', () => living.isReady())
    expect(alarms(living)).to.have.length(1)
    expect(living.logged().filter(({ msg }) => String(msg).includes('trimmed'))).to.deep.equal([])
    const fresh = await open(primary.url)
    await expectRefused(fresh, [...early, ...late, ...others])
  })

  it('before the instance has read its own write in the feed: that write alone is written back', async () => {
    const network = await openProxy(() => primary.port)
    const living = await open(network.url)
    const early = await loggedOut(living, 2)
    await until(
      'the instance and the replica have them',
      async () => (await keys(replica)) === 2 && living.position() !== undefined,
    )
    await until('it has come to the end of the feed', async () => {
      const [last] = await primary.client.xRevRange('cierre:{c}:feed', '+', '-', { COUNT: 1 })
      return living.position()?.startsWith(`${last?.id}.`) === true
    })
    network.holds = true
    await cutOff()
    const late = await loggedOut(living, 1)
    await thereAndBack()
    expect(await keys(primary)).to.equal(2)
    network.holds = false
    network.release()
    await until('it is written back', async () => (await keys(primary)) === 3)
    await until('it is ready again', () => living.isReady())
    expect([alarms(living).length, restored(living)]).to.deep.equal([1, [1]])
    await expectRefused(await open(primary.url), [...early, ...late])
  })

  it('a write that only lengthened a life is written back, too', async () => {
    let port = primary.port
    const network = await openProxy(() => port)
    const living = await open(network.url)
    const jti = 'a-token-id'
    const revokeUntil = async (exp: number) => {
      const answer = await createRevocation(living, {
        iss: 'https://issuer.test',
        jti,
        exp,
        reason: 'admin',
      })
      expect(answer.status).to.equal(200)
      return (answer.json as { key: string }).key
    }
    const key = `cierre:{c}:${await revokeUntil(nowS(600))}`
    await until('the replica has it', async () => (await keys(replica)) === 1)
    await until(
      'the instance has met it',
      async () => living.position()?.endsWith(key.slice(key.lastIndexOf('}:') + 2)) === true,
    )
    network.holds = true
    await cutOff()
    await revokeUntil(nowS(7_200))
    await promote(replica)
    expect(await replica.client.pTTL(key)).to.be.below(700_000)
    port = replica.port
    network.fate = 'cut'
    network.release()
    network.holds = false
    await primary.kill()
    network.fate = 'pass'
    await until(
      'the longer life is written back',
      async () => (await replica.client.pTTL(key)) > 7_000_000,
    )
    await until('it is ready again', () => living.isReady())
    expect([alarms(living).length, restored(living)]).to.deep.equal([1, [1]])
    await primary.restart()
  })

  it('a failover without a loss, and a restart: no alarm', async () => {
    let port = primary.port
    const network = await openProxy(() => port)
    const living = await open(network.url)
    const jwts = await loggedOut(living, 20)
    await until('the replica has them', async () => (await keys(replica)) === 20)
    await promote(replica)
    port = replica.port
    await primary.kill()
    await until('it goes on', async () => (await living.logout(await token())).status === 200)
    await replica.restart()
    await until(
      'it goes on after the restart',
      async () => (await living.logout(await token())).status === 200,
    )
    await until('it is ready again', () => living.isReady())
    expect(alarms(living)).to.deep.equal([])
    await expectRefused(living, jwts)
    await primary.restart()
  })
})
