import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { createGuard, type Guard } from '../../src/guard.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { isLong, repeats } from '../support/long.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

/** All of them in this process: a hundred take minutes where other programs need the cores. */
const guardCount = repeats(30, 100)

type Line = Record<string, unknown>

describe('the log of an outage of Redis', function () {
  this.timeout(isLong ? 600_000 : 120_000)
  let redis: TestRedis
  let service: TestService
  let guards: Guard[] = []
  beforeEach(async () => {
    redis = await startRedis()
    service = await startService({ REDIS_URL: redis.url, CLIENTS: clientsVariable })
  })
  afterEach(async () => {
    await Promise.all(guards.map((guard) => guard.close()))
    guards = []
    await service.stop()
    await redis.stop()
  })

  /** What an operator sees: everything but `debug`, in the order of writing. */
  const seen = (): Line[] => service.logged().filter(({ level }) => level !== 'debug')
  const lineOf = (outage: string, begin: string) =>
    seen().find((line) => line['outage'] === outage && String(line['msg']).startsWith(begin))
  const asked = async (status: number) => {
    const { text } = await service.send({ path: '/metrics' })
    const line = `cierre_requests_total{operation="getPosition",status="${status}"}`
    return Number(
      text
        .split('\n')
        .find((one) => one.startsWith(line))
        ?.split(' ')[1] ?? 0,
    )
  }
  const openGuards = async () => {
    guards = Array.from({ length: guardCount }, () => {
      const guard = createGuard({
        issuers: [{ secret: hmacSecret }],
        feed: {
          url: service.origin,
          clientId: 'powerless',
          clientSecret: secretOf('powerless'),
        },
      })
      guard.on('stale', () => undefined)
      return guard
    })
    await Promise.all(guards.map((guard) => guard.ready(60_000)))
  }

  it(`${guardCount} guards: at most 20 lines, which say what, where, why, since when, what was answered, and how often`, async () => {
    await openGuards()
    const before = seen().length
    await redis.kill()
    if (isLong) await pause(60_000)
    const jwt = await token()
    expect((await service.logout(jwt)).status).to.equal(500)
    await until('the guards have asked in vain', async () => (await asked(503)) >= 3 * guardCount)
    await redis.restart()
    for (const outage of ['store', 'feed', 'audit'])
      await until(`${outage}: it is over`, () => lineOf(outage, 'over: ') !== undefined)
    await until('the guards are fresh', () => guards.every((guard) => guard.stats().fresh))

    const lines = seen().slice(before)
    expect(lines.length, JSON.stringify(lines, undefined, 1)).to.be.within(4, 20)
    expect(JSON.stringify(lines)).not.to.match(/stack|node_modules|\bat .*\.[jt]s:/)
    const address = `127.0.0.1:${redis.port}`
    for (const outage of ['store', 'feed']) {
      expect(lineOf(outage, 'cannot reach Redis')).to.deep.include({ level: 'error', address })
      expect(lineOf(outage, 'cannot reach Redis')?.['meanwhile']).to.match(/50[03]/)
    }
    const over = lineOf('store', 'over: cannot reach Redis') ?? {}
    const failed = over['failed'] as Record<string, number>
    expect(failed['logout']).to.equal(1)
    expect(failed['getPosition']).to.be.at.least(3 * guardCount)
    expect(Date.parse(String(over['until']))).to.be.above(Date.parse(String(over['since'])))
    expect(lineOf('feed', 'over: ')).to.deep.include({ level: 'warn', writtenBack: 0 })
    expect(lineOf('audit', 'over: ')?.['failed']).to.include({ events: 1 })
    const minutes = lines.filter(({ msg }) => msg === 'still: cannot reach Redis')
    // On a busy machine the short outage may take more than a minute, too.
    if (isLong) expect(minutes, 'a line a minute').to.not.be.empty
    expect((await service.logout(jwt)).status, 'the repeat').to.equal(200)
  })

  it('what Redis came back without was written back, and the end of the outage says how much', async () => {
    for (let count = 0; count < 3; count += 1)
      expect((await service.logout(await token())).status).to.equal(200)
    await redis.restart({ empty: true })
    await until('it is over', () => lineOf('feed', 'over: ') !== undefined)
    expect(lineOf('feed', 'over: ')).to.include({ writtenBack: 3 })
  })

  it('a Redis that is full: one outage, by the command that it refuses; its end is noticed without a logout', async () => {
    await redis.client.configSet('maxmemory', '1')
    for (let count = 0; count < 50; count += 1)
      expect((await service.logout(await token())).status).to.equal(500)
    const begun = () => seen().filter(({ msg }) => msg === 'Redis refuses commands')
    expect(begun().map(({ cause, operationId }) => [cause, operationId])).to.deep.equal([
      ['redis answered OOM', 'logout'],
    ])
    await redis.client.configSet('maxmemory', '0')
    await until('it is over', () => lineOf('store', 'over: Redis refuses commands') !== undefined)
    expect(lineOf('store', 'over: ')?.['failed']).to.deep.equal({ logout: 50 })
  })

  it('a Redis that is stopped: one outage of each connection, though the cause changes', async () => {
    await service.stop()
    service = await startService({ REDIS_URL: redis.url, STORE_TIMEOUT_MS: '500' })
    redis.pause()
    expect((await service.logout(await token())).status).to.equal(500)
    await until('it is noticed', () => lineOf('feed', '') !== undefined)
    redis.resume()
    for (const outage of ['store', 'feed'])
      await until(`${outage}: it is over`, () => lineOf(outage, 'over: ') !== undefined)
    const beginnings = seen().filter(({ outage, meanwhile }) => outage && meanwhile)
    const connections = beginnings.filter(({ outage }) => outage !== 'audit')
    expect(connections.map(({ outage }) => outage).sort()).to.deep.equal(['feed', 'store'])
    expect(lineOf('store', 'Redis does not answer in time')?.['cause']).to.match(/within 500 ms/)
  })

  it('the end of the process tells of an outage that goes on', async () => {
    await redis.kill()
    await until('it begins', () => lineOf('store', 'cannot reach Redis') !== undefined)
    await service.stop()
    expect(lineOf('store', 'still: cannot reach Redis')?.['failed']).to.be.an('object')
    await redis.restart()
    service = await startService({ REDIS_URL: redis.url })
  })
})
