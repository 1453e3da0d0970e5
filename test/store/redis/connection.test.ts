import { expect } from 'chai'
import { pino } from 'pino'
import type { RedisLink } from '../../../src/store/redis/connection.js'
import { openLinks } from '../../../src/store/redis/links.js'
import { parseRedisUrl } from '../../../src/config/redis.js'
import { quietOutages } from '../../support/outages.js'
import { until } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'

describe('a connection to Redis', () => {
  const quiet = pino({ level: 'silent' })
  let redis: TestRedis
  let link: RedisLink
  const connect = () =>
    openLinks({
      config: { redis: parseRedisUrl(redis.url), sessionRedis: undefined, maxStalenessMs: 5_000 },
      log: quiet,
      outages: quietOutages(),
    }).main!
  beforeEach(async () => {
    redis = await startRedis()
    link = connect()
    await link.firstAttempt
  })
  afterEach(async () => {
    link.close()
    await redis.stop()
  })

  /** The connections that Redis has, except that of the test. */
  const connections = async () =>
    (await redis.client.sendCommand<string>(['CLIENT', 'LIST'])).trim().split('\n').length - 1
  const reconnect = async () => {
    const before = link.client
    await until('it is replaced', () => {
      link.reconnect('readonly')
      return link.client !== before
    })
  }
  const works = async () => {
    await until('it is connected', () => link.client.isReady)
    expect(await link.client.ping()).to.equal('PONG')
  }

  it('is one, whatever ended those before it, and whenever another one was wanted', async () => {
    await works()
    const outages: Record<string, () => Promise<unknown>> = {
      'Redis is killed': () => redis.restart(),
      'the connection is closed': () =>
        redis.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']),
      'another one is wanted': reconnect,
      async 'another one is wanted while a retry waits'() {
        await redis.kill()
        await until('it is noticed', () => !link.client.isReady)
        await reconnect()
        await redis.restart()
      },
      async 'another one is wanted while one is being made'() {
        await reconnect()
        await redis.restart()
      },
      async 'Redis is silent'() {
        const before = link.client
        redis.pause()
        await until('it is given up', () => link.client !== before)
        redis.resume()
      },
    }
    for (const [name, outage] of Object.entries(outages))
      for (let time = 0; time < 2; time += 1) {
        const before = link.connections()
        await outage()
        await until(`${name}: a new connection`, () => link.connections() > before)
        await works()
        await until(`${name}: one connection`, async () => (await connections()) === 1)
      }
    link.close()
    await until('none is left', async () => (await connections()) === 0)
  })

  it('is none after a close while one is being made', async () => {
    const other = connect()
    other.close()
    await works()
    await until('one connection', async () => (await connections()) === 1)
    expect(other.connections()).to.equal(0)
    await other.firstAttempt
  })

  it('is none after a close, whatever wants another one', async () => {
    await works()
    link.close()
    expect(link.address()).to.equal(undefined)
    link.reconnect('readonly')
    link.refused('READONLY')
    await until('none is left', async () => (await connections()) === 0)
  })

  it('a command fails at once without one', async () => {
    await works()
    await redis.kill()
    await until('it is noticed', () => !link.client.isReady)
    let error: unknown
    await link.client.ping().catch((cause: unknown) => (error = cause))
    expect(error).to.be.instanceOf(Error)
    await redis.restart()
    await works()
  })
})
