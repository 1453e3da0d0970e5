import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { asClient, basic, clientsVariable, secretOf, type ClientName } from '../support/clients.js'
import { startGuard } from '../support/guard.js'
import { appendRevocations } from '../support/many-revocations.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { holdUnread, readSlowly, sendUnread } from '../support/unread.js'
import { feedPath } from '../support/feed-path.js'

const path = feedPath('snapshot')
const revocations = 250_000
const requestAs = (authorization: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`
const requestOf = (client: ClientName) => requestAs(asClient(client).authorization)

describe('slow readers of the snapshot', () => {
  let redis: TestRedis
  let service: TestService
  before(async () => {
    redis = await startRedis(['--appendfsync', 'no'])
    await appendRevocations(redis, revocations)
  })
  after(async () => {
    await redis.client.flushAll()
    await redis.stop()
  })
  afterEach(() => service.stop())

  const startWith = async (times: { rateOverMs: number }, CLIENTS = clientsVariable) => {
    service = await startService(
      { CLIENTS, REDIS_URL: redis.url },
      { times: { checkEveryMs: 50, ...times } },
    )
  }
  const snapshotAs = (client: ClientName) => service.send({ path, headers: asClient(client) })
  const cutOff = () => service.logged().filter(({ msg }) => msg === 'slow reader cut off').length

  it('take places of their own client alone: 429 with Retry-After for it, 200 for another', async () => {
    await startWith({ rateOverMs: 60_000 })
    const slow = await holdUnread(service.origin, requestOf('all'), 4)
    const refused = await snapshotAs('all')
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([429, '1'])
    expect((await snapshotAs('powerless')).status).to.equal(200)
    const guard = startGuard(service.origin, {
      feed: { url: service.origin, clientId: 'powerless', clientSecret: secretOf('powerless') },
    })
    await guard.ready()
    await guard.close()
    slow[0]?.destroy()
    await until('there is room again', async () => (await snapshotAs('all')).status === 200)
    slow.forEach((socket) => socket.destroy())
  })

  it('take 32 places in all, of any number of clients: then 429', async () => {
    const secret = 'the secret of every one of these clients'
    const ids = Array.from({ length: 9 }, (_, index) => `guard-${index}`)
    await startWith(
      { rateOverMs: 60_000 },
      JSON.stringify(
        ids.map((id) => ({
          id,
          secretSha256: createHash('sha256').update(secret).digest('hex'),
          allow: ['feed'],
        })),
      ),
    )
    const held = await Promise.all(
      ids.slice(0, 8).map((id) => holdUnread(service.origin, requestAs(basic(id, secret)), 4)),
    )
    const refused = await service.send({
      path,
      headers: { authorization: basic('guard-8', secret) },
    })
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([429, '1'])
    held.flat().forEach((socket) => socket.destroy())
  })

  it('are cut off without a regular end; a guard of the same client recovers by itself', async () => {
    await startWith({ rateOverMs: 1_000 })
    const unread = await holdUnread(service.origin, requestOf('all'), 3)
    const slow = readSlowly(sendUnread(service.origin, requestOf('all')), {
      bytes: 4_096,
      everyMs: 50,
    })
    const guard = startGuard(service.origin)
    await guard.ready()
    await until('all four are cut off', () => cutOff() === 4)
    slow.hurry()
    const text = (await slow.received()).toString('latin1')
    expect(text.startsWith('HTTP/1.1 200')).to.equal(true)
    expect(text.length).to.be.below(revocations * 25)
    // The last chunk of a whole answer.
    expect(text.endsWith('\r\n0\r\n\r\n')).to.equal(false)
    await guard.close()
    unread.forEach((socket) => socket.destroy())
  })

  it('are cut off also when they read a little; a reader that is fast enough gets the whole snapshot', async () => {
    await startWith({ rateOverMs: 2_000 })
    const read = (bytes: number) =>
      readSlowly(sendUnread(service.origin, requestOf('all')), { bytes, everyMs: 40 })
    const startedAt = performance.now()
    expect((await read(64 * 1024).received()).length).to.be.above(revocations * 25)
    expect(performance.now() - startedAt).to.be.above(2_000)
    expect(cutOff()).to.equal(0)
    const slow = read(512)
    await until('it is cut off', () => cutOff() === 1)
    slow.hurry()
    expect((await slow.received()).length).to.be.below(revocations * 25)
  })

  it('are not cut off where the snapshot is so small that the network takes it at once', async () => {
    service = await startService(
      { CLIENTS: clientsVariable },
      { times: { checkEveryMs: 20, rateOverMs: 100 } },
    )
    for (let asked = 0; asked < 5; asked += 1)
      expect((await service.send({ method: 'HEAD', path, headers: asClient() })).status).to.equal(
        200,
      )
    const startedAt = performance.now()
    const unread = await holdUnread(
      service.origin,
      requestOf('all').replace('Connection: close\r\n', ''),
      8,
    )
    await until(
      'their time is over many times',
      async () => (await snapshotAs('all')).status === 200 && performance.now() - startedAt > 1_000,
    )
    expect(cutOff()).to.equal(0)
    for (const socket of unread) {
      const text = (socket.read() as Buffer).toString('latin1')
      expect([text.startsWith('HTTP/1.1 200'), text.endsWith('\r\n0\r\n\r\n')]).to.deep.equal([
        true,
        true,
      ])
      socket.destroy()
    }
  })
})
