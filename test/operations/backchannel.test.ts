import { expect } from 'chai'
import type { EndOfWatch, Guard } from '../../src/guard.js'
import { claimKey } from '../../src/token/keys.js'
import { backchannel, getRevocation, introspect, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import {
  type Claims,
  freshClaims,
  hmacSecret,
  logoutEvent,
  logoutToken,
  nowS,
  sign,
  token,
} from '../support/tokens.js'

describe('back-channel logout', () => {
  let redis: TestRedis
  let service: TestService
  let aheadMs = 0
  // Stdout takes ten audit lines a second of refusals.
  beforeEach(() => (aheadMs += 1000))
  before(async () => {
    redis = await startRedis()
    service = await startService(
      {
        REDIS_URL: redis.url,
        CLIENTS: clientsVariable,
        JWT_ISSUER: 'https://issuer.test',
        JWT_AUDIENCE: 'api',
        JWT_BACKCHANNEL_AUDIENCE: 'app',
      },
      { now: () => Date.now() + aheadMs },
    )
  })
  after(async () => {
    await service.stop()
    await redis.stop()
  })

  const entries = async () => (await redis.client.keys('cierre:{c}:[tsujn]:*')).sort()

  it('200: the named session and subject are revoked; a replay changes nothing', async () => {
    const claims = freshClaims({ aud: 'api' })
    const [jwt, sessionless] = [
      await sign(claims),
      await sign({ ...claims, sid: undefined, jti: 'other' }),
    ]
    const otherUser = await token({ aud: 'api' })
    const said = await logoutToken({ sub: claims['sub'], sid: claims['sid'], iat: nowS() })
    const answer = await backchannel(service, said)
    expect([answer.status, answer.text, answer.headers['cache-control']]).to.deep.equal([
      200,
      '',
      'no-store',
    ])
    for (const each of [jwt, sessionless])
      expect((await verify(service, each)).status).to.equal(401)
    expect((await introspect(service, jwt)).text).to.equal('{"active":false}')
    expect((await verify(service, otherUser)).status).to.equal(200)
    const stored = await entries()
    const values = await redis.client.mGet(stored)
    const lengths = [
      await redis.client.xLen('cierre:{c}:feed'),
      await redis.client.xLen('cierre:{c}:audit'),
    ]
    expect((await backchannel(service, said)).status).to.equal(200)
    expect([await entries(), await redis.client.mGet(stored)]).to.deep.equal([stored, values])
    expect([
      await redis.client.xLen('cierre:{c}:feed'),
      await redis.client.xLen('cierre:{c}:audit'),
    ]).to.deep.equal(lengths)
    const later = await sign({ ...claims, sid: 'a-later-session', iat: nowS(2), jti: 'later' })
    expect((await verify(service, later)).status, 'a later login').to.equal(200)
  })

  it('200: {sub, sid} ends that session and the tokens without one; another session and a login in the same second go on', async () => {
    const iat = nowS()
    const claims = freshClaims({ aud: 'api', iat })
    const sub = claims['sub']
    const bare = { aud: 'api', sub, sid: undefined }
    const [laptop, refused, undated] = [
      await sign(claims),
      await token({ ...bare, iat }),
      await token({ ...bare, iat: undefined }),
    ]
    const [phone, sameSecond, later, otherUser] = [
      await token({ aud: 'api', sub, iat: iat - 100 }),
      await token({ aud: 'api', sub, iat }),
      await token({ ...bare, iat: iat + 1 }),
      await token({ ...bare, sub: 'another', iat }),
    ]
    const said = await logoutToken({ sub, sid: claims['sid'], iat })
    expect((await backchannel(service, said)).status).to.equal(200)
    for (const jwt of [laptop, refused, undated]) {
      expect((await introspect(service, jwt)).text).to.equal('{"active":false}')
      const logout = await service.logout(jwt)
      expect([logout.status, logout.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
    }
    for (const jwt of [phone, sameSecond, later, otherUser])
      expect((await introspect(service, jwt)).json).to.include({ active: true })
    const whole = await logoutToken({ sub, sid: undefined, iat })
    expect((await backchannel(service, whole)).status).to.equal(200)
    for (const jwt of [phone, sameSecond])
      expect((await introspect(service, jwt)).text, 'no sid').to.equal('{"active":false}')
    expect((await introspect(service, later)).json).to.include({ active: true })
  })

  it('the tokens without a session stay refused: in a guard, its isRevoked, after a new start, a snapshot, a loss in Redis', async () => {
    const guardOf = (origin: string) =>
      startGuard(origin, {
        issuers: [{ issuer: 'https://issuer.test', audience: 'api', secret: hmacSecret }],
        // On a busy machine the default would be too short.
        maxStalenessMs: 60_000,
      })
    const iat = nowS()
    const claims = freshClaims({ aud: 'api', iat })
    const iss = 'https://issuer.test'
    const sub = String(claims['sub'])
    const bare = await sign({ ...claims, sid: undefined, jti: 'bare' })
    const phone = await token({ aud: 'api', sub, iat })
    const early = guardOf(service.origin)
    await early.ready()
    const ended: EndOfWatch[] = []
    early.watch(await early.check(`Bearer ${bare}`), (why) => ended.push(why))
    const said = await logoutToken({ sub, sid: claims['sid'], iat })
    expect((await backchannel(service, said)).status).to.equal(200)
    const key = String(claimKey('n', iss, sub))
    const state = (await getRevocation(service, key)).json
    expect(state).to.include({ key, revoked: true, cutoff: iat })

    const other = await startService({
      REDIS_URL: redis.url,
      JWT_ISSUER: iss,
      JWT_AUDIENCE: 'api',
      CLIENTS: clientsVariable,
    })
    const late = guardOf(other.origin)
    const expectRefused = async (guard: Guard) => {
      await until('it is refused', async () => (await statusOf(guard, bare)) === 401)
      expect(await statusOf(guard, phone)).to.equal(200)
      expect(await guard.isRevoked({ iss, sub, iat })).to.equal(true)
      expect(await guard.isRevoked({ iss, sub, iat: iat + 1 }), 'a later login').to.equal(false)
      expect(await guard.isRevoked({ iss, sub, sid: 'phone', iat })).to.equal(false)
    }
    try {
      await late.ready()
      for (const guard of [early, late]) await expectRefused(guard)
      expect(ended).to.deep.equal(['revoked'])
      expect((await verify(other, bare)).status, 'by the scan of a new instance').to.equal(401)
      await redis.client.flushAll()
      const name = `cierre:{c}:${key}`
      await until('it is written back', async () => (await redis.client.get(name)) === String(iat))
      expect((await introspect(other, bare)).text).to.equal('{"active":false}')
      expect((await introspect(other, phone)).json).to.include({ active: true })
      for (const guard of [early, late]) {
        await guard.ready()
        await expectRefused(guard)
      }
    } finally {
      for (const guard of [early, late]) await guard.close()
      await other.stop()
    }
  })

  it('200: a later logout token for a revoked session lengthens the life of the revocation', async () => {
    const claims = freshClaims({ aud: 'api' })
    const first = await logoutToken({ sub: undefined, sid: claims['sid'], iat: nowS(-100_000) })
    const second = await logoutToken({ sub: undefined, sid: claims['sid'], iat: nowS() })
    const before = await entries()
    expect((await backchannel(service, first)).status).to.equal(200)
    const [key = ''] = (await entries()).filter((one) => !before.includes(one))
    const shortMs = await redis.client.pTTL(key)
    expect((await backchannel(service, second)).status).to.equal(200)
    expect(await redis.client.pTTL(key)).to.be.greaterThan(shortMs + 90_000_000)
  })

  const conformant: [string, Claims][] = [
    ['sub alone', { sid: undefined }],
    ['sid alone', { sub: undefined }],
    ['aud as an array', { aud: ['another', 'app'] }],
    ['members in the event object', { events: { [logoutEvent]: { reason: 'idle' } } }],
    ['another event beside', { events: { [logoutEvent]: {}, 'https://issuer.test/event': {} } }],
    ['further claims', { typ: 'Logout', azp: 'app', auth_time: nowS() }],
  ]
  for (const [what, claims] of conformant)
    it(`200 without a setting: ${what}`, async () => {
      const login = freshClaims({ aud: 'api' })
      const jwt = await sign(login)
      const { sub, sid } = login
      const answer = await backchannel(service, await logoutToken({ sub, sid, ...claims }))
      expect([answer.status, (await verify(service, jwt)).status]).to.deep.equal([200, 401])
    })

  const failing: [what: string, cause: string, make: () => Promise<string>][] = [
    ['an encoding that is not canonical', 'spelling', async () => `${await logoutToken()}=`],
    ['no JWT', 'spelling', async () => 'x'],
    ['another signature', 'signature', async () => `${(await logoutToken()).slice(0, -8)}AAAAAAAA`],
    [
      'alg none',
      'algorithm',
      async () =>
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await logoutToken()).split('.')[1]}.AAAA`,
    ],
    ['another iss', 'unknown_issuer', () => logoutToken({ iss: 'https://another.test' })],
    ['another aud', 'audience', () => logoutToken({ aud: 'api' })],
    ['no aud', 'audience', () => logoutToken({ aud: undefined })],
    ['no iat', 'no_iat', () => logoutToken({ iat: undefined })],
    ['iat older than any session', 'too_old', () => logoutToken({ iat: nowS(-2_592_000 - 120) })],
    ['iat before time began', 'no_iat', () => logoutToken({ iat: -5 })],
    ['iat ahead', 'not_yet_valid', () => logoutToken({ iat: nowS(600), exp: nowS(1200) })],
    ['no exp', 'no_exp', () => logoutToken({ exp: undefined })],
    ['an exp that is no number', 'claims', () => logoutToken({ exp: 'soon' })],
    ['expired', 'expired', () => logoutToken({ exp: nowS(-1) })],
    ['no jti', 'no_jti', () => logoutToken({ jti: undefined })],
    ['neither sub nor sid', 'no_subject', () => logoutToken({ sub: undefined, sid: undefined })],
    ['sub that is no name', 'claims', () => logoutToken({ sub: 7.5 })],
    [
      'sid that cannot be a key, behind a sub that can',
      'claims',
      () => logoutToken({ sub: 'a user', sid: 'x\ud800' }),
    ],
    ['sid that is no name', 'claims', () => logoutToken({ sid: {} })],
    ['no events', 'no_event', () => logoutToken({ events: undefined })],
    ['events that are no object', 'no_event', () => logoutToken({ events: [logoutEvent] })],
    [
      'another event',
      'no_event',
      () => logoutToken({ events: { 'http://schemas.openid.net/event/other': {} } }),
    ],
    [
      'an event that is no object',
      'no_event',
      () => logoutToken({ events: { [logoutEvent]: true } }),
    ],
    ['a nonce', 'nonce', () => logoutToken({ nonce: 'x' })],
    ['an empty nonce', 'nonce', () => logoutToken({ nonce: null })],
    ['typ JWT', 'typ', () => logoutToken({}, { typ: 'JWT' })],
    ['no typ', 'typ', () => logoutToken({}, { typ: undefined })],
    ['an access token', 'audience', () => token({ aud: 'api' })],
    ['an access token for the same audience', 'typ', () => token({ aud: 'app' })],
  ]
  for (const [what, cause, make] of failing) {
    it(`400, nothing revoked, and ${cause} in the log and in the audit: ${what}`, async () => {
      const before = await entries()
      const answer = await backchannel(service, await make())
      expect([answer.status, answer.json, answer.headers['cache-control']]).to.deep.equal([
        400,
        { error: 'invalid_request' },
        'no-store',
      ])
      expect(answer.headers).not.to.have.property('x-error-reason')
      expect(await entries()).to.deep.equal(before)
      const reason = `logout_token_${cause}`
      expect(service.audited().at(-1)).to.include({
        event: 'input_validation_fail',
        outcome: 'refused',
        reason,
        requestId: answer.headers['x-request-id'],
      })
      const warnings = service.logged().filter((line) => line['reason'] === reason)
      expect(warnings.map(({ level, msg }) => [level, msg])).to.deep.equal([
        ['warn', 'a logout token was refused'],
      ])
    })
  }

  it('scope and typ are those of the issuer; 400 for an issuer without a back-channel audience', async () => {
    const issuers = (['session', 'subject', 'both'] as const).map((scope) => ({
      issuer: `https://${scope}`,
      secret: hmacSecret,
      backchannelAudience: ['app'],
      backchannelTyp: 'any',
      backchannelScope: scope,
    }))
    const configured = await startService({
      REDIS_URL: redis.url,
      JWT_ISSUERS: JSON.stringify([...issuers, { issuer: 'https://silent', secret: hmacSecret }]),
    })
    try {
      const outcome = async (scope: string) => {
        const claims = freshClaims({ iss: `https://${scope}` })
        const answer = await backchannel(
          configured,
          await logoutToken(
            { iss: claims['iss'], sub: claims['sub'], sid: claims['sid'] },
            { typ: undefined },
          ),
        )
        const statuses = [await sign(claims), await sign({ ...claims, sid: 'another' })].map(
          async (jwt) => (await verify(configured, jwt)).status,
        )
        return [answer.status, ...(await Promise.all(statuses))]
      }
      expect(await outcome('session')).to.deep.equal([200, 401, 200])
      expect(await outcome('subject')).to.deep.equal([200, 401, 401])
      expect(await outcome('both'), 'another session goes on').to.deep.equal([200, 401, 200])
      expect(await outcome('silent')).to.deep.equal([400, 200, 200])
      expect(
        configured.logged().find(({ msg }) => msg === 'a logout token was refused'),
      ).to.include({
        issuer: 'https://silent',
        reason: 'logout_token_no_backchannel',
        setting: 'backchannelAudience (JWT_BACKCHANNEL_AUDIENCE)',
      })
      expect(
        (
          await backchannel(
            configured,
            await logoutToken({ iss: 'https://session', sid: undefined }, { typ: 'JWT' }),
          )
        ).status,
        'no session to end',
      ).to.equal(400)
    } finally {
      await configured.stop()
    }
  })
})
