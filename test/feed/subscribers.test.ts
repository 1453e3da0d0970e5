import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createRevocation } from '../support/asking.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { appendRevocations } from '../support/many-revocations.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { follow } from '../support/sse.js'
import { feedPath } from '../support/feed-path.js'

const revokeSession = (service: TestService) =>
  createRevocation(service, { iss: 'https://issuer.test', sid: randomUUID(), reason: 'admin' })
const positionOf = async (service: TestService) =>
  (
    (await service.send({ path: feedPath('position'), headers: asClient() })).json as {
      position: string
    }
  ).position
const idOf = (position: string) => position.slice(0, position.indexOf('.'))

/** Every event but the first one names the one before it. */
const expectChain = (events: readonly { id?: string | undefined; data: string }[]) =>
  expect(
    events.map(({ data }) => (JSON.parse(data) as { previous?: string }).previous),
  ).to.deep.equal([undefined, ...events.slice(0, -1).map(({ id }) => id)])

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

    it('200: begins with the event of the position, and then sends every revocation', async () => {
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
      expectChain(reader.events)
      reader.stop()

      const middle = reader.events[20]!.id!
      const again = await follow(service.origin, from, { ...asClient(), 'last-event-id': middle })
      await until('the rest came', () => again.events.length === 31)
      expect(again.events.map(({ id }) => id)).to.deep.equal(
        reader.events.slice(20).map(({ id }) => id),
      )
      expectChain(again.events)
      again.stop()
    })

    it('200: only the event gap, when the feed does not have the position; 400 without a position', async () => {
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
              path: feedPath('events'),
              headers: { ...asClient(), ...headers },
            })
          ).status,
        ).to.equal(400)
      }
    })

    it('the stream ends at once when the service drains', async () => {
      const own = await startService({
        CLIENTS: clientsVariable,
        ...(redis && { REDIS_URL: redis.url }),
      })
      const reader = await follow(own.origin, await positionOf(own), asClient())
      await until('it has begun', () => reader.events.length === 1)
      // A drain that waits for the stream would take an hour.
      await own.drain(3_600_000)
      await until('it has ended', () => reader.ended())
      await own.stop()
    })
  })
}

describe('the feed with readers that read slowly', () => {
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
    // The client takes data until its buffers are full, and then none.
    return { asked, response }
  }

  it('200 for four snapshots at a time, then 429, until one of them is read or cut off', async () => {
    const slow = await Promise.all(Array.from({ length: 4 }, () => open(feedPath('snapshot'))))
    const snapshot = () => service.send({ path: feedPath('snapshot'), headers: asClient() })
    const refused = await snapshot()
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([429, '1'])
    expect(refused.headers['x-error-reason']).to.equal('too_many_requests')
    slow[0]!.asked.destroy()
    await until('there is room', async () => (await snapshot()).status === 200)
    let bytes = 0
    for await (const piece of slow[1]!.response) bytes += (piece as Buffer).length
    expect(bytes).to.be.above(200_000 * 25)
    slow.forEach(({ asked }) => asked.destroy())
  })

  it('a reader that was away for long gets every event that it missed, as fast as it reads', async () => {
    const from = await positionOf(service)
    await append(50_000)
    const reader = await follow(service.origin, from, asClient())
    await until('it has everything', () => reader.events.length === 50_001)
    await append(10_000)
    await until('it follows', () => reader.events.length === 60_001)
    expect(new Set(reader.events.map(({ id }) => id)).size).to.equal(60_001)
    expectChain(reader.events)
    reader.stop()
  })

  it('a reader that lags is cut off, and the others are served', async () => {
    const from = await positionOf(service)
    const idle = await open(feedPath('events', `from=${from}`))
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
