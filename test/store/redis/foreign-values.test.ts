import { expect } from 'chai'
import { claimKey } from '../../../src/token/keys.js'
import { createRevocation, postForm } from '../../support/asking.js'
import { asClient, clientsVariable } from '../../support/clients.js'
import { until } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { startService, type TestService } from '../../support/service.js'
import { freshClaims, sign } from '../../support/tokens.js'

type Health = { status: string; checks: { name: string; status: string; detail?: string }[] }

describe('a value that cierre did not write, in the place of a revocation', function () {
  this.timeout(60_000)
  let redis: TestRedis
  const services: TestService[] = []
  before(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const service of services.splice(0)) await service.stop()
    await redis.client.flushAll()
  })
  after(() => redis.stop())

  const open = async (waitForStore = true) => {
    const env = { CLIENTS: clientsVariable, REDIS_URL: redis.url }
    const service = await startService(env, { waitForStore })
    services.push(service)
    return service
  }
  const detailOf = async (service: TestService, name: string) => {
    const { json } = await service.send({ path: '/health/ready' })
    return (json as Health).checks.find((check) => check.name === name)?.detail
  }
  const linesAbout = (service: TestService, key: string) =>
    service.logged().filter(({ key: logged, level }) => logged === key && level === 'error')
  const writers: [string, (key: string) => Promise<unknown>][] = [
    ['a word', (key) => redis.client.set(key, 'a word')],
    ['an empty text', (key) => redis.client.set(key, '')],
    ['a number with a sign', (key) => redis.client.set(key, '-1')],
    ['a number that is too long', (key) => redis.client.set(key, '1'.repeat(17))],
    ['a list', (key) => redis.client.lPush(key, 'a word')],
    ['a hash', (key) => redis.client.hSet(key, 'a', '1')],
    ['a stream', (key) => redis.client.xAdd(key, '*', { k: 'v' })],
  ]

  for (const [what, write] of writers)
    it(`${what}: 503 to checks, 500 to logout, never "not revoked"; the log and /health/ready name the key; ready once it is gone`, async () => {
      const service = await open()
      const claims = freshClaims()
      const [jwt, other] = [await sign(claims), await sign(freshClaims())]
      const name = String(claimKey('s', claims.iss, claims.sid))
      const key = `cierre:{c}:${name}`
      await write(key)
      const introspected = await Promise.all(
        [jwt, other].map((each) =>
          postForm(service, '/oauth/introspect', { token: each }, asClient()),
        ),
      )
      expect(introspected[0]!.status).to.equal(503)
      expect(introspected[1]!.json, 'of a request that shared the round trip').to.include({
        active: true,
      })
      expect((await service.logout(jwt)).status).to.equal(500)
      const lookup = { path: `/api/v1/revocations/${name}`, headers: asClient() }
      expect((await service.send(lookup)).status).to.equal(503)
      const revocation = { iss: claims.iss, sid: claims.sid, reason: 'admin' }
      expect((await createRevocation(service, revocation)).status).to.equal(503)

      await until('it is not ready', async () => !(await service.isReady()))
      expect(await detailOf(service, 'store')).to.equal(
        `${key} has a value that cierre did not write`,
      )
      expect(linesAbout(service, key)).to.have.length(1)
      expect((await service.logout(other)).status, 'of another session').to.equal(200)

      await redis.client.del(key)
      await until('it is ready', () => service.isReady())
      expect((await service.logout(jwt)).status).to.equal(200)
    })

  for (const [what, write] of writers)
    it(`${what}: an instance that starts does not become ready, and names the key`, async () => {
      const key = `cierre:{c}:s:${'A'.repeat(22)}`
      await write(key)
      const service = await open(false)
      await until('it names the key', async () => {
        const detail = await detailOf(service, 'store')
        return detail === `${key} has a value that cierre did not write`
      })
      expect([await service.isReady(), service.position()]).to.deep.equal([false, undefined])
      expect(linesAbout(service, key)).to.have.length(1)
      await redis.client.del(key)
      await until('it is ready', () => service.isReady())
    })

  it('an event of a newer kind, and one that is not of cierre: the log and /health/ready name them', async () => {
    const service = await open()
    const newer = `x:${'A'.repeat(22)}`
    const feed = 'cierre:{c}:feed'
    for (const [fields, named] of [
      [{ k: newer, u: '', c: '1' }, `does not know ("${newer}"): upgrade this reader`],
      [{ k: `s:${'A'.repeat(22)}`, u: 'soon', c: '1' }, `(s:${'A'.repeat(22)}) of the feed`],
      [{ other: 'field' }, 'is not one that cierre wrote'],
    ] as const) {
      const id = await redis.client.xAdd(feed, '*', fields)
      await until('it names the event', async () => {
        const detail = (await detailOf(service, 'replica')) ?? ''
        return detail.includes(id) && detail.includes(named)
      })
      expect(await service.isReady()).to.equal(false)
      const logged = service.logged().filter(({ msg }) => msg === 'the feed cannot be followed')
      expect(JSON.stringify(logged.at(-1))).to.include(id)
      await redis.client.xDel(feed, id)
      await until('it is ready', () => service.isReady())
      // The log names the cause once for each outage.
      const begun = logged.length
      await until('the outage is over', () => {
        const over = service
          .logged()
          .filter(({ msg }) => msg === 'over: the feed cannot be followed')
        return over.length === begun
      })
    }
  })
})
