import { buffer } from 'node:stream/consumers'
import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startFeedRelay, type Relayed } from '../support/feed-relay.js'
import { startGuard, statusOf } from '../support/guard.js'
import { appendRevocations } from '../support/many-revocations.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

const feedKey = 'cierre:{c}:feed'
/** The head of a snapshot, and the first bytes of its first record. */
const headBytes = 64

describe('a guard that reads a snapshot slowly', function () {
  this.timeout(120_000)
  let redis: TestRedis
  let service: TestService
  let relay: Awaited<ReturnType<typeof startFeedRelay>> | undefined
  const guards: Guard[] = []

  before(async () => {
    redis = await startRedis(['--appendfsync', 'no'])
    await appendRevocations(redis, 20_000)
    // The instance is complete from its start on: the snapshot has them, and no later event.
    const env = { JWT_SECRET: hmacSecret, REDIS_URL: redis.url, CLIENTS: clientsVariable }
    service = await startService(env)
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
    await relay?.stop()
  })
  after(async () => {
    await service.stop()
    await redis.stop()
  })

  const open = async (take: (relayed: Relayed) => boolean) => {
    relay = await startFeedRelay(service.origin, take)
    const guard = startGuard(relay.origin, { maxStalenessMs: 60_000 })
    guards.push(guard)
    guard.on('warning', () => undefined)
    return { guard, relay }
  }
  /** Sends the head of the first snapshot, and the rest when `release` is called. */
  const holdSnapshot = (changed: (whole: Buffer) => Buffer = (whole) => whole) => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const take = ({ part, number, answer, outgoing }: Relayed) => {
      if (part !== 'snapshot' || number !== 1) return false
      void buffer(answer).then(async (whole) => {
        outgoing.write(whole.subarray(0, headBytes))
        await released
        outgoing.end(changed(whole).subarray(headBytes))
      })
      return true
    }
    return { take, release: () => release() }
  }
  const logOut = async () => {
    const jwt = await token()
    expect((await service.logout(jwt)).status).to.equal(200)
    return jwt
  }
  const opensEvents = ({ requests }: { requests: (part: 'events') => number }) =>
    until('the event stream is open', () => requests('events') > 0)
  const learns = (guard: Guard, jwt: string) =>
    until('the guard learns of it', async () => (await statusOf(guard, jwt)) === 401)
  it('learns of events meanwhile, and is ready although the feed was trimmed past the position of the snapshot', async () => {
    const { take, release } = holdSnapshot()
    const { guard, relay } = await open(take)
    await opensEvents(relay)
    await learns(guard, await logOut())
    const second = await logOut()
    await learns(guard, second)
    // The instance and the guard have its last event, and go on from there.
    await redis.client.xTrim(feedKey, 'MAXLEN', 1)
    const { fresh, position, revocations } = guard.stats()
    expect([fresh, position], 'the snapshot is not whole').to.deep.equal([false, undefined])
    expect(revocations, 'no record is confirmed').to.be.below(100)
    const valid = await token()
    expect(await statusOf(guard, valid)).to.equal(503)
    const lastOfAll = await logOut()
    release()
    await guard.ready(60_000)
    await learns(guard, lastOfAll)
    expect(await statusOf(guard, valid)).to.equal(200)
    const after = guard.stats()
    expect(after).to.include({ snapshots: 1, gaps: 0, reconnects: 0 })
    expect(after.revocations).to.be.at.least(20_002)
  })

  it('opens the event stream again where it broke off, without a second snapshot', async () => {
    const { take, release } = holdSnapshot()
    const streams: Relayed['outgoing'][] = []
    const { guard, relay } = await open((relayed) => {
      if (relayed.part === 'events') streams.push(relayed.outgoing)
      return take(relayed)
    })
    await opensEvents(relay)
    await learns(guard, await logOut())
    const missed = await logOut()
    streams[0]?.destroy()
    await learns(guard, missed)
    expect(relay.requests('events')).to.be.at.least(2)
    release()
    await guard.ready(60_000)
    expect(guard.stats()).to.include({ snapshots: 1, reconnects: 0 })
  })

  it('gives up the snapshot at once when there is a gap before the event stream, and takes another one', async () => {
    const { take } = holdSnapshot()
    let hold: (() => void) | undefined
    const { guard, relay } = await open((relayed) => {
      if (relayed.part === 'events' && relayed.number === 1) {
        // As if the events between were lost.
        hold = () => relayed.outgoing.end('event: gap\ndata: {}\n\n')
        return true
      }
      return take(relayed)
    })
    await until('the event stream is open', () => hold !== undefined)
    expect(guard.stats().position).to.equal(undefined)
    hold?.()
    await guard.ready(60_000)
    expect(relay.requests('snapshot')).to.equal(2)
    expect(guard.stats()).to.include({ snapshots: 1, reconnects: 1 })
  })

  it('a snapshot that does not match its checksum counts for nothing, whatever events came meanwhile', async () => {
    const { take, release } = holdSnapshot((whole) => {
      const spoiled = Buffer.from(whole)
      spoiled[spoiled.length - 1]! ^= 1
      return spoiled
    })
    let atSecond: ReturnType<Guard['stats']> | undefined
    const opened = await open((relayed) => {
      const { part, number } = relayed
      if (part === 'snapshot' && number === 2) atSecond = opened.guard.stats()
      return take(relayed)
    })
    await opensEvents(opened.relay)
    await learns(opened.guard, await logOut())
    release()
    await opened.guard.ready(60_000)
    expect(atSecond).to.include({ snapshots: 0, position: undefined, fresh: false })
    expect(opened.guard.stats()).to.include({ snapshots: 1, reconnects: 1 })
  })

  it('is ready by default, however long the snapshot takes as long as it arrives; a deadline is exact', async () => {
    const startedMs = performance.now()
    const { guard } = await open(({ part, answer, outgoing }) => {
      if (part !== 'snapshot') return false
      void buffer(answer).then((whole) => {
        const pieceBytes = Math.ceil(whole.length / 14)
        let sent = 0
        const timer = setInterval(() => {
          outgoing.write(whole.subarray(sent, (sent += pieceBytes)))
          if (sent < whole.length) return
          clearInterval(timer)
          outgoing.end()
        }, 1_000)
        outgoing.once('close', () => clearInterval(timer))
      })
      return true
    })
    let isReady = false
    const ready = guard.ready().then(() => (isReady = true))
    const late = await guard.ready(300).catch(({ message }: Error) => message)
    expect(late).to.match(/^the guard is not ready within 300 ms/)
    expect(isReady).to.equal(false)
    await ready
    expect(performance.now() - startedMs, 'longer than 10 s').to.be.above(10_000)
  })
})
