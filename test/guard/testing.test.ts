import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import express from 'express'
import { askIntrospection, expressGuard, GuardError, type Claims } from '../../src/guard.js'
import {
  createTestGuard,
  type TestGuard,
  type TestGuardOptions,
  type TestRevocation,
} from '../../src/guard/testing.js'
import { statusOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { freePort } from '../support/processes.js'
import { algorithms, hmacSecret, nowS, pemOf, sign, freshClaims } from '../support/tokens.js'

const iss = 'https://issuer.test'

describe('the test guard: tokens made and revoked in memory', () => {
  const opened: TestGuard[] = []
  const open = (options?: TestGuardOptions) => {
    const made = createTestGuard(options)
    opened.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of opened.splice(0)) await made.close()
  })
  const errorOf = async (promise: Promise<unknown>) => {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(Error)
    return error as Error
  }

  it('200 for its token, whose claims are those of a fresh login; the given ones replace them', async () => {
    const { guard, token } = open()
    const claims = await guard.check(`Bearer ${await token()}`)
    expect(claims).to.include({ iss, sub: 'test-user' })
    expect(Object.keys(claims)).to.have.members(['iss', 'sub', 'sid', 'jti', 'iat', 'exp'])
    const other = await guard.check(
      `Bearer ${await token({ sub: 'alice', sid: undefined, roles: ['admin'] })}`,
    )
    expect(other).to.deep.include({ sub: 'alice', roles: ['admin'] })
    expect(other).not.to.have.property('sid')
    expect(other.jti).not.to.equal(claims.jti)
  })

  it('401 for what the guard refuses in production: expired, of another issuer, ahead, of another test guard', async () => {
    const { guard, token } = open()
    for (const jwt of [
      await token({ exp: nowS(-1) }),
      await token({ iss: 'https://other.test' }),
      await token({ iss: undefined }),
      await token({ nbf: nowS(3_600) }),
      await token({ cnf: { jkt: 'x' } }),
      await open().token(),
    ])
      expect(await statusOf(guard, jwt)).to.equal(401)
  })

  it('401 at once after revoke: a token and its siblings of the session, or the token alone where it names none', async () => {
    const { guard, token, revoke } = open()
    const [one, sibling] = [await token({ sid: 'a' }), await token({ sid: 'a' })]
    const [alone, other] = [await token({ sid: undefined }), await token({ sid: undefined })]
    expect(await statusOf(guard, one)).to.equal(200)
    await revoke({ token: one })
    await revoke({ token: alone })
    const statuses = [one, sibling, alone, other].map((jwt) => statusOf(guard, jwt))
    expect(await Promise.all(statuses)).to.deep.equal([401, 401, 401, 200])
    const error = await errorOf(guard.check(`Bearer ${one}`))
    expect(error).to.be.instanceOf(GuardError).and.to.include({ code: 'invalid_token' })
    await revoke({ token: one })
    expect(guard.stats().revocations, 'a repetition changes nothing').to.equal(2)
  })

  it('401 after revoke by session, and by subject up to now; a later login is good', async () => {
    const { guard, token, revoke } = open()
    await revoke({ iss, sid: 'a' })
    await revoke({ iss, sub: 'alice' })
    for (const [claims, status] of [
      [{ sid: 'a' }, 401],
      [{ sid: 'b' }, 200],
      [{ sub: 'alice' }, 401],
      [{ sub: 'alice', iat: undefined }, 401],
      [{ sub: 'alice', iat: nowS(2) }, 200],
      [{ sub: 'bob' }, 200],
    ] as const)
      expect(await statusOf(guard, await token(claims)), JSON.stringify(claims)).to.equal(status)
    expect(await guard.isRevoked({ iss, sub: 'alice', iat: nowS() })).to.equal(true)
    expect(await guard.isRevoked({ iss, sub: 'bob', sid: 'b' })).to.equal(false)
  })

  it('the cutoff is compared with auth_time where the options say so', async () => {
    const { guard, token, revoke } = open({ cutoffClaim: 'auth_time' })
    const jwt = await token({ sub: 'alice' })
    expect(await guard.check(`Bearer ${jwt}`)).to.have.property('auth_time')
    await revoke({ iss, sub: 'alice' })
    expect(await statusOf(guard, jwt)).to.equal(401)
    const renewed = await token({ sub: 'alice', iat: nowS(2), auth_time: nowS(-60) })
    expect(await statusOf(guard, renewed)).to.equal(401)
    expect(await statusOf(guard, await token({ sub: 'alice', auth_time: nowS(2) }))).to.equal(200)
  })

  it('503 while it is stale; it learns what was revoked meanwhile once it is fresh again', async () => {
    const { guard, token, revoke, setStale } = open()
    const seen: string[] = []
    for (const event of ['fresh', 'stale'] as const) guard.on(event, () => seen.push(event))
    const [revoked, good] = [await token(), await token()]
    await revoke({ token: await token({ sid: 'before' }) })
    setStale(true)
    setStale(true)
    await revoke({ token: revoked })
    expect(await statusOf(guard, await token({ sid: 'before' })), 'known before').to.equal(401)
    expect(await statusOf(guard, await token({ exp: nowS(-1) })), 'not in order').to.equal(401)
    expect([await statusOf(guard, revoked), await statusOf(guard, good)]).to.deep.equal([503, 503])
    expect(await errorOf(guard.isRevoked({ iss, sub: 'x' }))).to.include({ status: 503 })
    expect(guard.stats()).to.include({ fresh: false, stalenessMs: Infinity, revocations: 1 })
    expect((await errorOf(guard.ready(10))).message).to.include('not ready within 10 ms')
    const ready = guard.ready()
    setStale(false)
    await ready
    expect([await statusOf(guard, revoked), await statusOf(guard, good)]).to.deep.equal([401, 200])
    expect(guard.stats()).to.include({ fresh: true, stalenessMs: 0, revocations: 2 })
    expect(seen).to.deep.equal(['fresh', 'stale', 'fresh'])
  })

  it('onUnknown decides while it is stale, as in production', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const asking = open({ onUnknown: askIntrospection({ url, clientId: 'x', clientSecret: 'x' }) })
    const allowing = open({ onUnknown: ({ why }) => (why === 'stale' ? 'active' : 'unknown') })
    for (const { setStale } of [asking, allowing]) setStale(true)
    expect(await statusOf(asking.guard, await asking.token())).to.equal(503)
    expect(await statusOf(allowing.guard, await allowing.token())).to.equal(200)
  })

  it('watch calls back when the token is revoked, and when it expires by a clock that the test moves', async () => {
    let nowMs = Date.now()
    const clock = { now: () => nowMs, monotonicMs: () => performance.now() }
    const { guard, token, revoke } = open({ clock })
    const jwt = await token({ exp: Math.floor(nowMs / 1000) + 30 })
    const claims: Claims = await guard.check(`Bearer ${jwt}`)
    const ended = new Promise((resolve) => guard.watch(claims, resolve))
    await revoke({ token: jwt })
    expect(await ended).to.equal('revoked')
    const other = await token({ exp: Math.floor(nowMs / 1000) + 30 })
    const expiring = await guard.check(`Bearer ${other}`)
    nowMs += 31_000
    expect(await new Promise((resolve) => guard.watch(expiring, resolve))).to.equal('expired')
    expect(await statusOf(guard, other)).to.equal(401)
    expect(await statusOf(guard, await token()), 'issued by the same clock').to.equal(200)
  })

  for (const algorithm of algorithms) {
    it(`signs by the key of the options: ${algorithm}`, async () => {
      const key = algorithm.startsWith('HS')
        ? { secret: hmacSecret }
        : { publicKey: pemOf(algorithm) }
      const { guard, token } = open({
        issuers: [
          { issuer: iss, ...key, algorithms: algorithm, audience: ['api', 'x'], typ: 'at+jwt' },
        ],
      })
      const claims = await guard.check(`Bearer ${await token()}`)
      expect(claims.aud).to.equal('api')
      const ours = await sign(freshClaims({ aud: 'x' }), algorithm, { typ: 'at+jwt' })
      expect(await statusOf(guard, ours), 'a token of the real key').to.equal(200)
      const stranger = await open().token({ aud: 'api' })
      expect(await statusOf(guard, stranger)).to.equal(401)
    })
  }

  it('fetches no key set: a jwksUri of production is replaced, one key for each issuer', async () => {
    let requests = 0
    const server = createServer((_, response) => {
      requests += 1
      response.end('{}')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    const one = open({ issuers: ['a', 'b'].map((issuer) => ({ issuer, jwksUri })) })
    const rsaOnly = open({ issuers: [{ jwksUri, algorithms: 'RS256' }] })
    try {
      await one.guard.ready(1_000)
      expect(await statusOf(one.guard, await one.token())).to.equal(200)
      expect(await statusOf(one.guard, await one.token({ iss: 'b' }))).to.equal(200)
      const [header = ''] = (await rsaOnly.token()).split('.')
      expect(Buffer.from(header, 'base64url').toString()).to.include('"RS256"')
      expect(await statusOf(rsaOnly.guard, await rsaOnly.token())).to.equal(200)
      await rsaOnly.revoke({ iss: null, sub: 'test-user' })
      expect(await statusOf(rsaOnly.guard, await rsaOnly.token())).to.equal(401)
      expect(requests).to.equal(0)
    } finally {
      server.close()
    }
  })

  it('stands in the place of a guard in an API: 200, 401 and 503 of the Express adapter', async () => {
    const { guard, token, revoke, setStale } = open()
    const app = express()
      .use(expressGuard(guard))
      .get('/', (_, response) => void response.send('ok'))
    const server = createServer(app)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const jwt = await token()
    const get = () => send(origin, { path: '/', headers: { authorization: `Bearer ${jwt}` } })
    try {
      expect((await get()).status).to.equal(200)
      setStale(true)
      expect((await get()).status).to.equal(503)
      setStale(false)
      await revoke({ token: jwt })
      expect((await get()).status).to.equal(401)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('is closed for good: 503, never ready, whatever the test does then', async () => {
    const { guard, token, revoke, setStale, close } = open()
    setStale(true)
    const waiting = errorOf(guard.ready())
    await close()
    expect((await waiting).message).to.equal('the guard was closed')
    setStale(false)
    await revoke({ iss, sub: 'x' })
    expect(await statusOf(guard, await token())).to.equal(503)
    expect((await errorOf(guard.ready())).message).to.equal('the guard was closed')
  })

  it('TypeError for options and revocations that make no sense, all at once', async () => {
    const wrong = { issuers: [{ secret: 'short' }], feed: {}, requireExp: 'x' }
    expect(() => createTestGuard(wrong as unknown as TestGuardOptions)).to.throw(
      TypeError,
      /^options has members that are not known: feed\nissuers\[0\]\.secret must .*\nrequireExp must /,
    )
    const { token, revoke } = open()
    for (const [revoked, message] of [
      [{ token: 'x' }, 'revoke: token is not one that this guard accepts: spelling'],
      [{ token: 7 }, 'revoke: token must be a string that is not empty'],
      [{ token: 'x', sub: 'y', iss }, 'revoke: token goes without sub, iss'],
      [{ sub: 'x' }, 'revoke: iss must be an issuer of this guard'],
      [{ iss, sub: 'x', sid: 'y' }, 'revoke: sub goes without sid'],
      [{ iss }, 'revoke: sub or sid is needed'],
      [undefined, 'revoke: revocation is undefined'],
      [{ jti: 'x' }, /^revoke: revocation has members that are not known: jti\n/],
      [
        { token: await open().token() },
        'revoke: token is not one that this guard accepts: signature',
      ],
      [{ token: await token({ iss: 'x' }) }, /: unknown_issuer$/],
    ] as [unknown, string | RegExp][]) {
      const error = await errorOf(revoke(revoked as TestRevocation))
      expect(error).to.be.instanceOf(TypeError)
      expect(error.message).to.match(
        message instanceof RegExp ? message : new RegExp(`^${message}$`),
      )
    }
  })
})
