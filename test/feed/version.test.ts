import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import {
  feedVersion,
  oldestReaderVersion,
  parseServerSentEvent,
  serverSentEvent,
  streamIdOf,
  UnreadableFeed,
} from '../../src/feed/event.js'
import { layoutVersion } from '../../src/store/redis/layout.js'
import { encodeSnapshot } from '../../src/feed/snapshot.js'
import { createSnapshotReader } from '../../src/feed/snapshot-reader.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { createRevocation, postForm } from '../support/asking.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { startRelay } from '../support/relay.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { follow } from '../support/sse.js'
import { token } from '../support/tokens.js'
import { feedPath } from '../support/feed-path.js'

const layoutKey = 'cierre:{c}:layout'
const feedKey = 'cierre:{c}:feed'
const feedPaths = ['snapshot', 'events?from=1-0.genesis', 'position']
const versionOf = (path: string, version: number | string) =>
  `/api/v1/revocations/${path}${path.includes('?') ? '&' : '?'}version=${version}`

describe('an old and a new instance side by side', () => {
  let redis: TestRedis
  const services: TestService[] = []
  const guards: Guard[] = []
  const open = async (waitForStore = true) => {
    const service = await startService(
      { CLIENTS: clientsVariable, REDIS_URL: redis.url, RATE_LIMIT_SUBJECT: '100/60' },
      { waitForStore },
    )
    services.push(service)
    return service
  }
  const guardOf = (origin: string) => {
    const guard = startGuard(origin, { maxStalenessMs: 1_500 })
    guard.on('warning', () => undefined)
    guards.push(guard)
    return guard
  }
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
    for (const service of services.splice(0)) await service.stop()
    await redis.stop()
  })
  const verify = async (service: TestService, jwt: string) =>
    (
      await service.send({
        path: '/api/v1/auth/verify',
        headers: { authorization: `Bearer ${jwt}` },
      })
    ).status
  const feedStatuses = (service: TestService) =>
    Promise.all(
      feedPaths.map(
        async (path) =>
          (await service.send({ path: versionOf(path, feedVersion), headers: asClient() })).status,
      ),
    )
  /** Everything that an instance stores, except audit events. */
  const stored = async () =>
    (await redis.dump())
      .split('\n')
      .filter((line) => !line.startsWith('cierre:{c}:audit'))
      .sort()
  const layoutLines = (service: TestService) =>
    service.logged().filter(({ layoutKnown }) => layoutKnown !== undefined)

  it('the layout is written by the first commit, raised where it is older, and never lowered', async () => {
    const service = await open()
    expect(await redis.client.get(layoutKey)).to.equal(String(layoutVersion))
    for (const older of [undefined, '0', '1']) {
      await (older === undefined ? redis.client.del(layoutKey) : redis.client.set(layoutKey, older))
      expect((await service.logout(await token())).status).to.equal(200)
      expect(await redis.client.get(layoutKey)).to.equal(String(layoutVersion))
    }
    expect(await redis.client.ttl(layoutKey), 'for ever').to.equal(-1)
  })

  it('an older layout is raised half a second after a newer instance found it, and its logouts wait for that with 200', async () => {
    await redis.client.set(layoutKey, '1')
    const begunAt = performance.now()
    const service = await open(false)
    const jwts = [await token(), await token()]
    await until('Redis is read', async () => (await verify(service, jwts[0]!)) === 200)
    const logouts = await Promise.all(jwts.map((jwt) => service.logout(jwt)))
    expect(logouts.map(({ status }) => status)).to.deep.equal([200, 200])
    // A timer may be a millisecond early.
    expect(performance.now() - begunAt).to.be.at.least(499)
    expect(await redis.client.get(layoutKey)).to.equal(String(layoutVersion))
    await until('it is ready', () => service.isReady())
  })

  for (const layout of [String(layoutVersion + 1), '1000', 'text']) {
    it(`layout ${layout}: the old instance answers 503 to checks and feed readers, 500 to logout, stores nothing and is not ready; its guard is stale`, async () => {
      const service = await open()
      const [revoked, jwt] = [await token(), await token()]
      expect((await service.logout(revoked)).status).to.equal(200)
      const guard = guardOf(service.origin)
      await guard.ready()
      expect([await statusOf(guard, jwt), await verify(service, jwt)]).to.deep.equal([200, 200])
      const reader = await follow(service.origin, service.position()!, asClient())
      await redis.client.set(layoutKey, layout)
      const before = await stored()

      expect(
        (await postForm(service, '/oauth/introspect', { token: jwt }, asClient())).status,
        'the next check',
      ).to.equal(503)
      expect(service.position(), 'known from the next read on').to.equal(undefined)
      expect(await verify(service, jwt), 'from memory no longer').to.equal(503)
      const logout = await service.logout(jwt)
      expect([logout.status, logout.json]).to.deep.equal([
        500,
        { success: false, message: 'Error interno del servidor' },
      ])
      expect(
        (await postForm(service, '/oauth/revoke', { token: jwt }, asClient())).status,
      ).to.equal(503)
      expect(
        (
          await createRevocation(service, {
            iss: 'https://issuer.test',
            sub: 'alice',
            reason: 'admin',
          })
        ).status,
      ).to.equal(503)
      expect(
        (
          await service.send({
            path: '/api/v1/revocations/t:AAAAAAAAAAAAAAAAAAAAAA',
            headers: asClient(),
          })
        ).status,
      ).to.equal(503)
      expect(await feedStatuses(service)).to.deep.equal([503, 503, 503])
      expect(await verify(service, revoked), 'a known revocation stays').to.equal(401)
      await until('it is not ready', async () => !(await service.isReady()))
      await until('its streams end', () => reader.ended())
      await until('its guard is stale', () => !guard.stats().fresh)
      expect([await statusOf(guard, jwt), await statusOf(guard, revoked)]).to.deep.equal([503, 401])
      expect(await stored()).to.deep.equal(before)
      expect(await redis.client.get(layoutKey), 'never lowered').to.equal(layout)
      expect(layoutLines(service).map(({ level, msg }) => [level, msg])).to.deep.equal([
        [
          'error',
          `Redis holds layout ${layout === 'text' ? '(unreadable)' : layout}, and this instance knows up to ${layoutVersion}: upgrade this instance; until then it answers 503, and 500 at logout`,
        ],
      ])
    })
  }

  it('not ready while the layout is newer, also from the start; ready when the layout is set back', async () => {
    const newer = String(layoutVersion + 1)
    await redis.client.set(layoutKey, newer)
    const service = await open(false)
    await until('it says why', () => layoutLines(service).length === 1)
    const jwt = await token()
    const until5s = performance.now() + 5_000
    for (let asked = 0; performance.now() < until5s; asked += 1) {
      expect([
        await service.isReady(),
        service.position(),
        await verify(service, jwt),
      ]).to.deep.equal([false, undefined, 503])
      await pause(50)
    }
    expect((await service.logout(jwt)).status).to.equal(500)
    expect(await stored()).to.deep.equal([`${layoutKey} ${newer}`])
    await redis.client.set(layoutKey, String(layoutVersion))
    await until('it is ready', () => service.isReady())
    expect([await verify(service, jwt), layoutLines(service).length]).to.deep.equal([200, 1])
  })

  it('an unknown kind of event: the instance stops following and is not ready, its guard is stale; checks through Redis go on', async () => {
    const service = await open()
    const guard = guardOf(service.origin)
    await guard.ready()
    const jwt = await token()
    await redis.client.xAdd(feedKey, '*', { k: `z:${'A'.repeat(22)}`, u: '', c: '1' })
    await until('it stops following', () => service.position() === undefined)
    await until('it is not ready', async () => !(await service.isReady()))
    expect(await feedStatuses(service)).to.deep.equal([503, 503, 503])
    await until('its guard is stale', () => !guard.stats().fresh)
    expect([await statusOf(guard, jwt), await verify(service, jwt)]).to.deep.equal([503, 200])
    expect(
      service.logged().filter(({ msg }) => msg === 'the feed cannot be followed').length,
    ).to.equal(1)
    const late = await open(false)
    await until('a new instance says so', () =>
      late.logged().some(({ msg }) => msg === 'the feed cannot be followed'),
    )
    expect(late.position()).to.equal(undefined)
  })

  it('an informational event is passed on, and its position is valid like any other', async () => {
    const service = await open()
    const guard = guardOf(service.origin)
    await guard.ready()
    const reader = await follow(service.origin, service.position()!, asClient())
    const id = await redis.client.xAdd(feedKey, '*', { k: 'info-of-the-future', x: 'y' })
    const position = `${id}.info-of-the-future`
    await until('the guard has it', () => guard.stats().position === position)
    await until('the reader has it', () => reader.events.at(-1)?.id === position)
    expect(reader.events.at(-1)?.event).to.equal('info-of-the-future')
    reader.stop()
    expect(
      (
        (await service.send({ path: feedPath('position'), headers: asClient() })).json as {
          position: string
        }
      ).position,
    ).to.equal(position)
    const [late, other] = [guardOf(service.origin), await open()]
    await late.ready()
    expect([late.stats().position, other.position()]).to.deep.equal([position, position])
    const jwt = await token()
    expect((await service.logout(jwt)).status).to.equal(200)
    for (const one of [guard, late])
      await until('it is refused', async () => (await statusOf(one, jwt)) === 401)
    expect([guard.stats().gaps, late.stats().gaps]).to.deep.equal([0, 0])
  })
})

describe('the version of the feed', () => {
  let service: TestService
  const relays: Awaited<ReturnType<typeof startRelay>>[] = []
  const guards: Guard[] = []
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  afterEach(async () => {
    for (const guard of guards.splice(0)) await guard.close()
    for (const relay of relays.splice(0)) await relay.stop()
  })
  after(() => service.stop())
  const guardThrough = async (isOld: () => boolean) => {
    const relay = await startRelay(Number(new URL(service.origin).port), isOld)
    relays.push(relay)
    const guard = startGuard(relay.origin)
    guards.push(guard)
    const warnings: string[] = []
    guard.on('warning', ({ message }) => warnings.push(message))
    return { guard, warnings, relay }
  }

  it('426 with Upgrade for an authenticated reader of an older version, or of none; 200 for versions that know every kind that revokes; 400 for what is no version', async () => {
    const ask = (path: string, version: string, headers = asClient()) =>
      service.send({ path: versionOf(path, version), headers })
    for (const path of feedPaths) {
      const unnamed = { path: `/api/v1/revocations/${path}`, headers: asClient() }
      expect((await service.send(unnamed)).status, path).to.equal(426)
      const refused = await ask(path, String(oldestReaderVersion - 1))
      expect([
        refused.status,
        refused.json,
        refused.headers.upgrade,
        refused.headers.connection,
      ]).to.deep.equal(
        [
          426,
          { success: false, message: 'Versión del feed no admitida' },
          `cierre-feed/${feedVersion}`,
          'Upgrade',
        ],
        path,
      )
      expect((await ask(path, '0', {} as never)).status, path).to.equal(401)
      for (const version of ['-1', 'x', '1.5x'])
        expect((await ask(path, version)).status, `${path} ${version}`).to.equal(400)
    }
    for (const version of [oldestReaderVersion, feedVersion, feedVersion + 1, 99].map(String))
      expect((await ask('position', version)).status, version).to.equal(200)
  })

  it('a guard of an older version is never fresh: ready fails at once with the reason, and checks are 503', async () => {
    const { guard, relay } = await guardThrough(() => true)
    // A wait would take an hour.
    const why = await guard.ready(3_600_000).then(
      () => 'ready',
      ({ message }: Error) => message,
    )
    expect(why).to.equal(
      `${relay.origin} answered 426: its revocations are of kinds that version ${feedVersion} of the feed does not have; upgrade this guard`,
    )
    expect([guard.stats().fresh, await statusOf(guard, await token())]).to.deep.equal([false, 503])
  })

  it('a fresh guard that gets 426 is stale at once, keeps what it knows, and recovers', async () => {
    let isOld = false
    const { guard, warnings } = await guardThrough(() => isOld)
    await guard.ready()
    const [revoked, jwt] = [await token(), await token()]
    expect((await service.logout(revoked)).status).to.equal(200)
    await until('it is refused', async () => (await statusOf(guard, revoked)) === 401)
    isOld = true
    await until('it warns', () => warnings.some((message) => message.includes('answered 426')))
    expect(guard.stats()).to.include({ fresh: false, stalenessMs: Infinity })
    expect([await statusOf(guard, jwt), await statusOf(guard, revoked)]).to.deep.equal([503, 401])
    const before = warnings.length
    await until('it warns again', () => warnings.length > before + 2)
    expect(guard.stats().fresh).to.equal(false)
    isOld = false
    await guard.ready()
    expect([await statusOf(guard, jwt), await statusOf(guard, revoked)]).to.deep.equal([200, 401])
  })

  it('a position names an event of a known kind, or an informational one', () => {
    const id = '1795228156000-0'
    for (const key of [
      'genesis',
      'info-a',
      'info-a-1',
      `t:${'A'.repeat(22)}`,
      `info-${'a'.repeat(64)}`,
    ])
      expect(streamIdOf(`${id}.${key}`), key).to.equal(id)
    for (const key of [
      '',
      'info',
      'info-',
      'info-A',
      'info-a b',
      `info-${'a'.repeat(65)}`,
      `z:${'A'.repeat(22)}`,
      'notice',
    ])
      expect(streamIdOf(`${id}.${key}`), key).to.equal(undefined)
  })

  it('an event is read as it was sent; an event of an unknown kind is UnreadableFeed', () => {
    const read = (text: string) => {
      const fields = Object.fromEntries(
        text
          .trimEnd()
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      )
      return parseServerSentEvent({
        id: fields['id'],
        event: fields['event'],
        data: fields['data'] ?? '',
      })
    }
    const [key, sessionless] = [`u:${'A'.repeat(22)}`, `n:${'A'.repeat(22)}`] as const
    for (const event of [
      { id: '1-0', entry: undefined },
      { id: '1-0', entry: { key, untilMs: null, cutoff: 5 } },
      { id: '1-0', entry: { key: sessionless, untilMs: null, cutoff: 5 } },
      { id: '1-0', entry: undefined, info: 'info-x' },
      { id: '2-0', entry: undefined, previous: '1-0.genesis' },
      { id: '2-0', entry: undefined, info: 'info-x', previous: '1-0.genesis' },
      { id: '2-0', entry: { key, untilMs: null, cutoff: 5 }, previous: '1-0.genesis' },
    ]) {
      expect(read(serverSentEvent(event))).to.deep.equal(event)
    }
    expect(read('event: info-x\ndata: {}')).to.equal(undefined)
    const other = { id: '1-0', entry: undefined, info: 'info-x' }
    expect(read('id: 1-0.info-x\nevent: info-x\ndata: any'), 'any data').to.deep.equal(other)
    for (const text of [
      'id: 1-0.genesis\nevent: notice\ndata: {}',
      'data: {}',
      'id: 1-0.info-x\nevent: info\ndata: {}',
      'id: 1-0.genesis\nevent: info-x\ndata: {}',
      'event: genesis\ndata: {}',
      `id: 1-0.${key}\nevent: revocation\ndata: {"key":"${key}","untilMs":null}`,
      `id: 1-0.${sessionless}\nevent: revocation\ndata: {"key":"${sessionless}","untilMs":null}`,
      `id: 1-0.${key}\nevent: revocation\ndata: {`,
      `id: 1-0.${key}\nevent: revocation\ndata: null`,
    ])
      expect(() => read(text), text).to.throw(UnreadableFeed)
  })

  it('a snapshot of version 2 with a record of an unknown kind, or of a newer version: UnreadableFeed for the whole; an older one is read', () => {
    const replica = createLiveSet(Date.now)
    replica.add({ key: `t:${'A'.repeat(22)}`, untilMs: null })
    const bytes = Buffer.concat([...encodeSnapshot(replica, '1-0.genesis', 2)])
    const spoilt = (at: number, value: number) => {
      const copy = Buffer.from(bytes)
      copy[at] = value
      return () => createSnapshotReader(createLiveSet(Date.now)).write(copy)
    }
    expect(bytes.indexOf('t', 10 + '1-0.genesis'.length)).to.equal(21)
    expect(spoilt(21, 'z'.charCodeAt(0))).to.throw(UnreadableFeed, 'upgrade this reader')
    for (const version of [0, feedVersion + 1])
      expect(spoilt(7, version)).to.throw(UnreadableFeed, `version ${version}`)
    expect(spoilt(7, 1)).not.to.throw()
    expect(spoilt(21, 't'.charCodeAt(0))).not.to.throw()
  })
})
