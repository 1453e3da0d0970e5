import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createGuard, type Guard, type GuardIssuer } from '../../src/guard.js'
import { createRevocation, introspect, postForm, revoke, verify } from '../support/asking.js'
import { startAgent, type TestAgent } from '../support/agent.js'
import { asClient, clientsVariable, secretOf } from '../support/clients.js'
import { openCierre, serveApp } from '../support/embedded.js'
import { feedOf, statusOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { runMain } from '../support/instance.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, nowS, sign, token, type Claims } from '../support/tokens.js'

const iss = 'https://issuer.test'
const issuer: GuardIssuer = {
  issuer: iss,
  secret: hmacSecret,
  audience: ['app', 'narrow'],
  sessionClaim: ['session_id', 'session_state'],
  subjectClaim: 'oid',
  audienceClaim: ['client_id', 'azp'],
}

type Login = Readonly<{ oid: string; session_id: string }>
const newLogin = (login: Partial<Login> = {}): Login => ({
  oid: randomUUID(),
  session_id: randomUUID(),
  ...login,
})
/** A token with `sub` and `sid` that name nothing, as pairwise subjects do. */
const tokenOf = (login: Login, more: Claims = {}) =>
  token({ client_id: 'app', ...login, sub: randomUUID(), sid: randomUUID(), ...more })

describe('claims that name session, subject and audience', () => {
  let redis: TestRedis
  let service: TestService
  let guard: Guard
  let agent: TestAgent
  before(async () => {
    redis = await startRedis()
    service = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([{ ...issuer, sessionKeys: ['sess:{sub}:{sid}'] }]),
      AUTH_CLAIMS: 'sub,sid',
    })
    guard = createGuard({ issuers: [issuer], feed: feedOf(service.origin) })
    await guard.ready()
    agent = await startAgent(service.origin, {
      JWT_AUDIENCE: 'app,narrow',
      JWT_SESSION_CLAIM: 'session_id,session_state',
      JWT_SUBJECT_CLAIM: 'oid',
      JWT_AUDIENCE_CLAIM: 'client_id,azp',
      AUTH_CLAIMS: 'sub,sid',
    })
  })
  after(async () => {
    await agent.stop()
    await guard.close()
    await service.stop()
    await redis.stop()
  })

  const checkAtAgent = (jwt: string) =>
    send(agent.origin, { path: '/', headers: { authorization: `Bearer ${jwt}` } })
  const introspectAtAgent = (jwt: string) =>
    send(agent.admin, {
      method: 'POST',
      path: '/oauth/introspect',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: jwt }).toString(),
    })
  /** What service, guard and agent answer about a token. */
  const statuses = async (jwt: string) => [
    (await verify(service, jwt)).status,
    await statusOf(guard, jwt),
    (await checkAtAgent(jwt)).status,
  ]
  const expectRevoked = (jwt: string) =>
    until('all refuse it', async () => (await statuses(jwt)).every((status) => status === 401))
  const works = [200, 200, 200]

  it('200: /verify, the agent and introspection name them alike; the guard has the claims unchanged', async () => {
    const login = newLogin()
    const [sub, sid] = [randomUUID(), randomUUID()]
    const jwt = await tokenOf(login, { sub, sid })
    for (const { status, headers } of [await verify(service, jwt), await checkAtAgent(jwt)]) {
      expect(status).to.equal(200)
      expect(headers).to.include({
        'x-auth-subject': login.oid,
        'x-auth-session': login.session_id,
        'x-auth-claims': Buffer.from(JSON.stringify({ sub, sid })).toString('base64url'),
      })
    }
    for (const { json } of [await introspect(service, jwt), await introspectAtAgent(jwt)])
      expect(json).to.include({ sub: login.oid, sid: login.session_id, aud: 'app' })
    expect(await guard.check(`Bearer ${jwt}`)).to.include({ ...login, sub, sid })
  })

  it('200, then 401: a logout ends the siblings of its session, and not other sessions', async () => {
    const login = newLogin()
    const { session_id, ...stateful } = { ...login, session_state: login.session_id }
    const [jwt, sibling, older] = [
      await tokenOf(login),
      await tokenOf(login, { exp: nowS(900) }),
      await token({ azp: 'app', ...stateful }),
    ]
    const other = await tokenOf(newLogin({ oid: login.oid }))
    const key = `sess:${login.oid}:${session_id}`
    await redis.client.set(key, 'data')
    expect((await service.logout(jwt)).status).to.equal(200)
    for (const each of [jwt, sibling, older]) await expectRevoked(each)
    expect(await statuses(other)).to.deep.equal(works)
    expect(await redis.client.exists(key), 'session data').to.equal(0)
    expect(service.audited().find(({ subject }) => subject === login.oid)).to.include({
      event: 'authn_token_revoked',
      issuer: iss,
    })
  })

  it('200, then 401: a logout everywhere ends the tokens of the subject, and of no other', async () => {
    const [{ oid }, another] = [newLogin(), newLogin()]
    const [jwt, other] = [await tokenOf(newLogin({ oid })), await tokenOf(newLogin({ oid }))]
    const ofAnother = await tokenOf(another)
    expect((await service.logout(jwt, { token: other, scope: 'global' })).status).to.equal(200)
    await expectRevoked(other)
    expect(await guard.isRevoked({ iss, sub: oid, iat: nowS(-60) })).to.equal(true)
    expect(await statuses(ofAnother)).to.deep.equal(works)
  })

  it('200, then 401: revocations by name take the values of these claims', async () => {
    const [one, two] = [newLogin(), newLogin()]
    const tokens = [await tokenOf(one), await tokenOf(two)] as const
    const bySession = { iss, sid: one.session_id, reason: 'admin' }
    expect((await createRevocation(service, bySession)).status).to.equal(200)
    const bySubject = { iss, sub: two.oid, reason: 'admin' }
    expect((await createRevocation(service, bySubject)).status).to.equal(200)
    for (const jwt of tokens) await expectRevoked(jwt)
    expect(await guard.isRevoked({ iss, sid: one.session_id })).to.equal(true)
  })

  it('401: the token of the body is of another subject, though sub is the same', async () => {
    const sub = randomUUID()
    const [jwt, other] = [await tokenOf(newLogin(), { sub }), await tokenOf(newLogin(), { sub })]
    const refused = await service.logout(jwt, { token: other })
    expect([refused.status, refused.headers['x-error-reason']]).to.deep.equal([401, 'other_holder'])
    expect(await statuses(other)).to.deep.equal(works)
  })

  it('audienceClaim counts only without aud: 401 for another audience, and machine clients see theirs', async () => {
    expect(await statuses(await tokenOf(newLogin(), { client_id: 'x' }))).to.deep.equal([
      401, 401, 401,
    ])
    expect(await statuses(await tokenOf(newLogin(), { aud: 'x' }))).to.deep.equal([401, 401, 401])
    expect(await statuses(await tokenOf(newLogin(), { aud: [] }))).to.deep.equal(works)
    const narrow = await tokenOf(newLogin(), { client_id: 'narrow' })
    const wide = await tokenOf(newLogin())
    const asNarrow = (jwt: string) =>
      postForm(service, '/oauth/introspect', { token: jwt }, asClient('narrow'))
    expect((await asNarrow(narrow)).json).to.include({ active: true, aud: 'narrow' })
    expect((await asNarrow(wide)).json).to.deep.equal({ active: false })
    expect((await revoke(service, wide, 'narrow')).status).to.equal(403)
    expect((await revoke(service, narrow, 'narrow')).status).to.equal(200)
    await expectRevoked(narrow)
  })

  it('cierre check shows them, and cierre revoke < token ends their session', async () => {
    const run = async (args: string[], input: string) => {
      const { child, output } = runMain({
        args,
        input,
        env: {
          CIERRE_URL: service.origin,
          CIERRE_CLIENT_ID: 'all',
          CIERRE_CLIENT_SECRET: secretOf('all'),
        },
      })
      await once(child, 'close')
      return output.out
    }
    const login = newLogin()
    const [jwt, sibling] = [await tokenOf(login), await tokenOf(login, { exp: nowS(900) })]
    expect(await run(['check'], jwt)).to.equal(
      `active: subject "${login.oid}", issuer "${iss}", session "${login.session_id}"\n`,
    )
    expect(await run(['revoke', '--reason', 'admin'], jwt)).to.match(/^revoked s:/)
    await expectRevoked(sibling)
    expect(await run(['check'], sibling)).to.equal('not active: revoked\n')
  })

  it('a service inside an app takes the same settings', async () => {
    const cierre = openCierre({ issuers: [issuer] })
    const app = await serveApp((request, response) => void cierre.handler(request, response))
    try {
      await cierre.ready()
      const login = newLogin()
      const [jwt, sibling] = [await tokenOf(login), await tokenOf(login, { exp: nowS(900) })]
      const other = await tokenOf(newLogin({ oid: login.oid }))
      expect((await app.logout(jwt)).status).to.equal(200)
      const after = [await statusOf(cierre.guard, sibling), await statusOf(cierre.guard, other)]
      expect(after).to.deep.equal([401, 200])
    } finally {
      await app.stop()
      await cierre.close()
    }
  })
})

describe('an issuer with {claim}', () => {
  const tenants = 'https://login.test/{tid}/v2.0'
  const entry = { issuer: tenants, secret: hmacSecret, audience: 'api' }
  const issOf = (tid: string) => `https://login.test/${tid}/v2.0`
  const tokenIn = (tid: string, claims: Claims = {}) =>
    sign(freshClaims({ iss: issOf(tid), tid, aud: 'api', ...claims }))
  let service: TestService
  let guard: Guard
  before(async () => {
    const listed = { ...entry, issuer: 'https://listed.test/{tid}', issuerValues: ['one', 'two'] }
    service = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([entry, listed]),
    })
    guard = createGuard({ issuers: [entry, listed], feed: feedOf(service.origin) })
    await guard.ready()
  })
  after(async () => {
    await guard.close()
    await service.stop()
  })
  const statuses = async (jwt: string) => [
    (await verify(service, jwt)).status,
    await statusOf(guard, jwt),
  ]

  it('200, then 401: equal sessions and subjects of two tenants are independent', async () => {
    const names = { sub: 'alice', sid: 'the-session' }
    const [one, two] = [await tokenIn('one', names), await tokenIn('two', names)]
    expect((await service.logout(one, { token: one, scope: 'global' })).status).to.equal(200)
    expect((await verify(service, one)).headers['x-error-reason']).to.equal('revoked')
    await until('the guard refuses it', async () => (await statusOf(guard, one)) === 401)
    expect(await statuses(two)).to.deep.equal([200, 200])
    const refused = await service.logout(two, { token: await tokenIn('three', names) })
    expect([refused.status, refused.headers['x-error-reason']]).to.deep.equal([401, 'other_holder'])
    const byName = { iss: issOf('two'), sid: 'the-session', reason: 'admin' }
    expect((await createRevocation(service, byName)).status).to.equal(200)
    expect((await verify(service, two)).status).to.equal(401)
    expect(await guard.isRevoked({ iss: issOf('one'), sub: 'alice', iat: nowS(-60) })).to.equal(
      true,
    )
    expect(await guard.isRevoked({ iss: issOf('two'), sub: 'alice', iat: nowS(-60) })).to.equal(
      false,
    )
  })

  it('401: its claim is absent, or is not what the iss has in that place', async () => {
    for (const claims of [
      { tid: 'two' },
      { tid: undefined },
      { iss: issOf('a/b'), tid: 'a/b' },
      { iss: issOf(''), tid: '' },
      { iss: `${issOf('one')}/` },
      { iss: tenants, tid: '{tid}' },
    ])
      expect(await statuses(await tokenIn('one', claims)), JSON.stringify(claims)).to.deep.equal([
        401, 401,
      ])
    const [listed, unlisted] = ['two', 'three'].map((tid) =>
      tokenIn(tid, { iss: `https://listed.test/${tid}` }),
    )
    expect(await statuses(await listed!)).to.deep.equal([200, 200])
    expect(await statuses(await unlisted!)).to.deep.equal([401, 401])
  })

  it('400: a revocation by name needs the iss of a tenant, not the template', async () => {
    const refused = await createRevocation(service, { iss: tenants, sub: 'a', reason: 'admin' })
    expect(refused.status).to.equal(400)
    expect(refused.json).to.have.nested.property('details[0].values').that.includes(tenants)
    const error: unknown = await guard
      .isRevoked({ iss: tenants, sub: 'a' })
      .catch((e: unknown) => e)
    expect(error).to.be.instanceOf(TypeError)
  })
})

describe('a wrong setting of an issuer is told by a warning', () => {
  it('no session claim, or neither auth_time nor iat: at the first such token, then once an hour', async () => {
    let aheadMs = 0
    const service = await startService({ JWT_ISSUER: iss }, { now: () => Date.now() + aheadMs })
    const exp = nowS(90_000)
    const warnings = () =>
      service
        .logged()
        .filter(({ msg }) => String(msg).startsWith('verified tokens'))
        .map(({ issuer, claim, msg }) => [issuer, claim, String(msg).slice(0, 31)])
    const noSession = [iss, 'sid', 'verified tokens name no session']
    const noTime = [iss, 'auth_time, iat', 'verified tokens have neither au']
    const show = async (claims: Claims) => verify(service, await token({ exp, ...claims }))
    try {
      await show({ sid: undefined, session_id: 'x', iat: undefined })
      expect(warnings()).to.deep.equal([noSession, noTime])
      await show({ sid: undefined, iat: undefined })
      await show({ sid: undefined, iat: undefined, auth_time: nowS() })
      expect(warnings()).to.have.length(2)
      aheadMs = 3_600_001
      await show({ sid: undefined })
      expect(warnings()).to.deep.equal([noSession, noTime, noSession])
    } finally {
      await service.stop()
    }
  })

  it('not of an issuer that has shown the claim within the last hour', async () => {
    let aheadMs = 0
    const service = await startService({ JWT_ISSUER: iss }, { now: () => Date.now() + aheadMs })
    const warnings = () =>
      service.logged().filter(({ msg }) => String(msg).startsWith('verified tokens'))
    try {
      await verify(service, await token())
      for (const [ms, expected] of [
        [0, 0],
        [3_599_000, 0],
        [3_700_000, 1],
      ] as const) {
        aheadMs = ms
        await verify(service, await token({ sid: undefined, exp: nowS(90_000) }))
        expect(warnings()).to.have.length(expected)
      }
    } finally {
      await service.stop()
    }
  })

  it('a guard emits it as a warning', async () => {
    const service = await startService({
      CLIENTS: clientsVariable,
      JWT_SESSION_CLAIM: 'session_id',
    })
    const guard = createGuard({
      issuers: [{ issuer: iss, secret: hmacSecret, sessionClaim: 'session_id' }],
      feed: feedOf(service.origin),
    })
    const warnings: string[] = []
    guard.on('warning', ({ message }) => warnings.push(message))
    try {
      await guard.ready()
      for (let round = 0; round < 2; round += 1)
        expect(await statusOf(guard, await token())).to.equal(200)
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.match(/^verified tokens name no session .*"claim":"session_id"/)
    } finally {
      await guard.close()
      await service.stop()
    }
  })
})
