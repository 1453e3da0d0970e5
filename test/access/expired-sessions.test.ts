import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { verify } from '../support/asking.js'
import { heldDeadlineMs, holdDeadlines } from '../support/deadlines.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token, type Claims } from '../support/tokens.js'

const expiredBody = { success: false, message: 'El token ha expirado' }

describe('EXPIRED_ENDS_SESSION_S', () => {
  let redis: TestRedis
  let service: TestService
  before(async () => {
    redis = await startRedis()
    service = await start({ EXPIRED_ENDS_SESSION_S: '3600' })
  })
  after(async () => {
    await service.stop()
    await redis.stop()
  })
  const start = (env: Record<string, string>) =>
    startService({ REDIS_URL: redis.url, SESSION_KEYS: 'sess:{sid}', ...env })
  const newLogin = () => ({ sub: randomUUID(), sid: randomUUID() })
  const statusOf = async (at: TestService, jwt: string) => (await verify(at, jwt)).status
  const expired = (login: Claims, agoS = 1_800) => token({ ...login, exp: nowS(-agoS) })
  const revokedEvents = (at: TestService, { sub }: Claims) =>
    at.audited().filter(({ event, subject }) => event === 'authn_token_revoked' && subject === sub)

  it('403, and the session has ended: tokens that are refreshed later, and its data; other sessions go on', async () => {
    const login = newLogin()
    const sibling = await token(login)
    const other = await token({ sub: login.sub })
    await redis.client.set(`sess:${login.sid}`, 'data')
    const jwt = await expired(login)
    for (const scope of ['local', 'global'] as const) {
      const { status, json } = await service.logout(jwt, { token: jwt, scope })
      expect([status, json]).to.deep.equal([403, expiredBody])
    }
    expect(await statusOf(service, sibling)).to.equal(401)
    expect(await statusOf(service, other)).to.equal(200)
    expect(await redis.client.exists(`sess:${login.sid}`)).to.equal(0)
    const events = revokedEvents(service, login)
    expect(events, 'once, though it was sent twice').to.have.length(1)
    expect(events[0]).to.include({ outcome: 'success', reason: 'logout' })
    expect(events[0]?.['keys']).to.have.length(1)
    const trail = await redis.client.xRange('cierre:{c}:audit', '-', '+')
    const stored = trail
      .map(({ message }) => String(message['e']))
      .filter((text) => text.includes(login.sub) && text.includes('authn_token_revoked'))
    expect(stored).to.have.length(1)
  })

  it('403, and the session of the token of the body has ended, too', async () => {
    const login = newLogin()
    const bearer = await token({ sub: login.sub })
    const sibling = await token(login)
    const refused = await service.logout(bearer, { token: await expired(login) })
    expect(refused.status).to.equal(403)
    expect([await statusOf(service, sibling), await statusOf(service, bearer)]).to.deep.equal([
      401, 200,
    ])
  })

  it('403, and the session goes on: expired longer ago, without a session, or by default', async () => {
    const login = newLogin()
    const sibling = await token(login)
    expect((await service.logout(await expired(login, 3_605))).status).to.equal(403)
    expect((await service.logout(await expired({ ...login, sid: undefined }))).status).to.equal(403)
    const asDefault = await start({})
    try {
      expect((await asDefault.logout(await expired(login, 5))).status).to.equal(403)
      expect(await statusOf(asDefault, sibling)).to.equal(200)
    } finally {
      await asDefault.stop()
    }
    expect(await statusOf(service, sibling)).to.equal(200)
  })

  it('401, and the session goes on: not genuine, of another holder, or a token that is not valid yet', async () => {
    const login = newLogin()
    const [jwt, sibling] = [await expired(login), await token(login)]
    const forged = `${jwt.slice(0, -8)}AAAAAAAA`
    const ahead = await token({ ...login, nbf: nowS(9_000), exp: nowS(9_999) })
    expect((await service.logout(forged)).status).to.equal(401)
    expect((await service.logout(await token(), { token: jwt })).status).to.equal(401)
    expect((await service.logout(jwt, { token: ahead })).status).to.equal(401)
    expect(await statusOf(service, sibling)).to.equal(200)
  })

  it('429: counted by subject; a session that has ended already is not counted', async () => {
    const limited = await start({ EXPIRED_ENDS_SESSION_S: '3600', RATE_LIMIT_SUBJECT: '2/600' })
    try {
      const one = newLogin()
      const [two, three] = [newLogin(), newLogin()].map(({ sid }) => ({ sub: one.sub, sid }))
      const first = await expired(one)
      for (let round = 0; round < 3; round += 1)
        expect((await limited.logout(first)).status).to.equal(403)
      expect((await limited.logout(await expired(two ?? {}))).status).to.equal(403)
      const refused = await limited.logout(await expired(three ?? {}))
      expect([refused.status, 'retry-after' in refused.headers]).to.deep.equal([429, true])
      expect(await statusOf(limited, await token(two))).to.equal(401)
      expect(await statusOf(limited, await token(three))).to.equal(200)
    } finally {
      await limited.stop()
    }
  })

  it('500: the store does not answer; 403 for the repeat, and the session has ended', async () => {
    const deadlines = holdDeadlines()
    const held = await start({
      EXPIRED_ENDS_SESSION_S: '3600',
      STORE_TIMEOUT_MS: String(heldDeadlineMs),
    })
    try {
      const login = newLogin()
      const jwt = await expired(login)
      redis.pause()
      expect((await deadlines.during(held.logout(jwt))).value.status).to.equal(500)
      redis.resume()
      expect((await held.logout(jwt)).status).to.equal(403)
      // The request that got the 500 may have been stored; then its event arrives within the bound.
      const sibling = await token(login)
      await until('it has ended', async () => (await statusOf(held, sibling)) === 401)
    } finally {
      redis.resume()
      await held.stop()
      deadlines.restore()
    }
  })
})
