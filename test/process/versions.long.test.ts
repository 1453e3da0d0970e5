import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type * as guardModule from '../../src/guard.js'
import type { Guard } from '../../src/guard.js'
import { claimKey } from '../../src/token/keys.js'
import { asClient } from '../support/clients.js'
import { checkOutEarlier, clientsOfBoth, versionsCameIn } from '../support/earlier.js'
import { feedPath } from '../support/feed-path.js'
import { feedOf, startGuard } from '../support/guard.js'
import { send } from '../support/http.js'
import { exitCode, runMain, startInstance, type Instance } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { end, freePort, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { freshClaims, hmacSecret, logoutToken, nowS, sign, token } from '../support/tokens.js'

const iss = 'https://issuer.test'

describe('an instance of the commit where versions came in, beside one of this commit, on one Redis', () => {
  let redis: TestRedis
  let earlier: ReturnType<typeof checkOutEarlier>
  let createEarlierGuard: typeof guardModule.createGuard
  const instances: Instance[] = []
  const guards: Guard[] = []
  const env = () => ({
    JWT_SECRET: hmacSecret,
    JWT_ISSUER: iss,
    REDIS_URL: redis.url,
    CLIENTS: clientsOfBoth,
    JWT_BACKCHANNEL_AUDIENCE: 'app',
  })

  before(async () => {
    earlier = checkOutEarlier(versionsCameIn)
    redis = await startRedis()
    const module = (await import(
      pathToFileURL(earlier.file('src/guard.ts')).href
    )) as typeof guardModule
    createEarlierGuard = module.createGuard
  })
  after(async () => {
    for (const guard of guards) await guard.close()
    for (const instance of instances) {
      saw(instance.output.out + instance.output.err)
      await instance.kill()
    }
    await redis.stop()
    earlier.remove()
  })

  const startNew = async () => {
    const instance = await startInstance(await freePort(), env())
    instances.push(instance)
    return instance.origin
  }
  const startEarlier = async () => {
    const program = earlier.file('src/main.ts')
    const instance = await startInstance(await freePort(), env(), ['--import', 'tsx'], program)
    instances.push(instance)
    return instance.origin
  }
  const withWarnings = (guard: Guard) => {
    guard.on('warning', () => undefined)
    guards.push(guard)
    return guard
  }
  const maxStalenessMs = 10_000
  const newGuard = (origin: string) => withWarnings(startGuard(origin, { maxStalenessMs }))
  const earlierGuard = (origin: string) =>
    withWarnings(
      createEarlierGuard({
        issuers: [{ issuer: iss, secret: hmacSecret }],
        feed: feedOf(origin),
        maxStalenessMs,
      }),
    )
  /** The error of an earlier guard is of another class. */
  const statusOf = (guard: Guard, jwt: string) =>
    guard.check(`Bearer ${jwt}`).then(
      () => 200,
      ({ status }: { status: number }) => status,
    )
  const verify = async (origin: string, jwt: string) =>
    (
      await send(origin, {
        path: '/api/v1/auth/verify',
        headers: { authorization: `Bearer ${jwt}` },
      })
    ).status
  const post = (origin: string, path: string, body: string, headers: Record<string, string>) =>
    send(origin, { method: 'POST', path, body, headers })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const introspect = async (origin: string, jwt: string) => {
    const body = `token=${jwt}`
    const answer = await post(origin, '/oauth/introspect', body, { ...form, ...asClient() })
    return answer.status === 200 ? (answer.json as { active: boolean }).active : answer.status
  }
  const logout = async (origin: string, jwt: string) =>
    (
      await post(origin, '/api/v1/auth/logout', JSON.stringify({ token: jwt }), {
        'content-type': 'application/json',
        authorization: `Bearer ${jwt}`,
      })
    ).status

  it('this one, while its port is taken: it ends, and the layout is still that of the earlier one', async () => {
    const port = Number(new URL(await startEarlier()).port)
    const { child, output } = runMain({ env: { PORT: String(port), ...env() } })
    expect(await exitCode(child)).to.equal(1)
    expect(output.err).to.include('EADDRINUSE')
    expect(await redis.client.get('cierre:{c}:layout')).to.equal('1')
  })

  it('while n: arrives: the earlier one is not ready, its followers are stale, its checks 503, and none says that the token works', async () => {
    const claims = freshClaims({ iat: nowS() })
    const sub = String(claims['sub'])
    const bare = await sign({ ...claims, sid: undefined, jti: 'bare' })
    const [phone, revoked] = [await token({ sub }), await token()]
    const old = await startEarlier()
    expect(await redis.client.get('cierre:{c}:layout')).to.equal('1')
    expect(await logout(old, revoked)).to.equal(200)
    const followers = [earlierGuard(old), newGuard(old)]
    for (const guard of followers) {
      await guard.ready()
      await until('it knows', async () => (await statusOf(guard, revoked)) === 401)
      for (const jwt of [bare, phone])
        await until('it lets others pass', async () => (await statusOf(guard, jwt)) === 200)
    }

    const recent = await startNew()
    expect(await redis.client.get('cierre:{c}:layout')).to.equal('2')
    expect([await introspect(old, bare), await introspect(old, revoked)]).to.deep.equal([
      503,
      false,
    ])
    await until('its /verify refuses', async () => (await verify(old, bare)) === 503)
    for (const guard of followers)
      await until('its follower is stale', async () => (await statusOf(guard, bare)) === 503)

    const said = await logoutToken({ sub, sid: claims['sid'], iat: claims['iat'] })
    const told = await post(recent, '/api/v1/auth/backchannel-logout', `logout_token=${said}`, form)
    expect(told.status).to.equal(200)
    const key = String(claimKey('n', iss, sub))
    expect(await redis.client.get(`cierre:{c}:${key}`)).to.equal(String(claims['iat']))

    expect([await introspect(recent, bare), await introspect(recent, revoked)]).to.deep.equal([
      false,
      false,
    ])
    expect([await introspect(recent, phone), await verify(recent, phone)]).to.deep.equal([
      true,
      200,
    ])
    for (let asked = 0; asked < 20; asked += 1) {
      expect([await introspect(old, bare), await verify(old, bare)]).to.deep.equal([503, 503])
      for (const guard of followers) {
        const statuses = [await statusOf(guard, bare), await statusOf(guard, revoked)]
        expect(statuses).to.deep.equal([503, 401])
      }
    }
    expect([await logout(old, phone), await verify(recent, phone)]).to.deep.equal([500, 200])
    for (const part of ['snapshot', 'position'] as const)
      expect((await send(old, { path: feedPath(part), headers: asClient() })).status).to.equal(503)
    expect((await send(old, { path: '/health/ready' })).status).to.equal(503)

    const [late, lost] = [newGuard(recent), earlierGuard(recent)]
    await late.ready()
    const ofLate = [await statusOf(late, bare), await statusOf(late, revoked)]
    expect(ofLate, 'those of the earlier instance, too').to.deep.equal([401, 401])
    await until('it lets others pass', async () => (await statusOf(late, phone)) === 200)
    const why = await lost.ready(3_600_000).catch(({ message }: Error) => message)
    expect(why).to.include('answered 426')
    expect(await statusOf(lost, bare)).to.equal(503)
  })

  it('started after n: has arrived: the earlier one is not ready, and its checks are 503', async () => {
    await startNew()
    const port = String(await freePort())
    const { child, output } = runMain({
      program: earlier.file('src/main.ts'),
      nodeArgs: ['--import', 'tsx'],
      env: { PORT: port, ...env() },
    })
    try {
      const origin = `http://127.0.0.1:${port}`
      await until('it says why', () => output.out.includes('upgrade this instance'))
      expect((await send(origin, { path: '/health/ready' })).status).to.equal(503)
      expect(await verify(origin, await token())).to.equal(503)
      expect(await logout(origin, await token())).to.equal(500)
    } finally {
      saw(output.out + output.err)
      await end(child)
    }
  })
})
