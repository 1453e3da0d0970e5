import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { RedisStore } from 'connect-redis'
import express from 'express'
import expressSession from 'express-session'
import Koa from 'koa'
import koaSession from 'koa-session'
import { asClient, clientsVariable } from '../support/clients.js'
import { heldDeadlineMs, holdDeadlines } from '../support/deadlines.js'
import { send } from '../support/http.js'
import { repeats } from '../support/long.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer((request, response) => void handler(request, response)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('sessions of existing frameworks end with the logout', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('koa-session with an external store in Redis', async () => {
    const app = new Koa()
    app.keys = ['a-key']
    const keyOf = (id: string) => `koa:sess:${id}`
    app.use(
      koaSession(
        {
          signed: true,
          store: {
            get: async (id: string) =>
              JSON.parse((await redis.client.get(keyOf(id))) ?? 'null') as object,
            set: async (id: string, session: object) =>
              void (await redis.client.set(keyOf(id), JSON.stringify(session))),
            destroy: async (id: string) => void (await redis.client.del(keyOf(id))),
          },
        },
        app,
      ),
    )
    app.use((ctx) => {
      const session = ctx.session as unknown as { user?: string; save(): void } & {
        externalKey?: string
      }
      if (ctx.path === '/login') session.user = 'alice'
      ctx.body = session.user ?? 'anonymous'
    })
    await expectEnds(app.callback(), 'koa:sess:{sid}', 'koa:sess:')
  })

  it('express-session with connect-redis', async () => {
    const app = express()
    app.use(
      expressSession({
        secret: 'a-secret',
        resave: false,
        saveUninitialized: false,
        store: new RedisStore({ client: redis.client as never, prefix: 'sess:' }),
      }),
    )
    app.use((request, response) => {
      const session = request.session as unknown as { user?: string }
      if (request.path === '/login') session.user = 'alice'
      response.end(session.user ?? 'anonymous')
    })
    await expectEnds(app, 'sess:{sid}', 'sess:')
  })

  /**
   * Logs in with a browser's cookie, ties a token to that session, logs the token out, and looks
   * again.
   */
  async function expectEnds(
    handler: (request: IncomingMessage, response: ServerResponse) => unknown,
    template: string,
    prefix: string,
  ) {
    const { server, origin } = await listen(handler)
    const service = await startService({ REDIS_URL: redis.url, SESSION_KEYS: template })
    try {
      const login = await send(origin, { path: '/login' })
      const cookie = (login.headers['set-cookie'] as string[])
        .map((line) => line.split(';')[0])
        .join('; ')
      expect((await send(origin, { path: '/me', headers: { cookie } })).text).to.equal('alice')
      const [key = ''] = await redis.client.keys(`${prefix}*`)
      const jwt = await token({ sid: key.slice(prefix.length) })
      expect((await service.logout(jwt)).status).to.equal(200)
      expect(await redis.client.exists(key)).to.equal(0)
      expect((await send(origin, { path: '/me', headers: { cookie } })).text).to.equal('anonymous')
    } finally {
      server.close()
      await service.stop()
    }
  }

  it('200: deletes session data in another Redis, for both presented tokens and by several templates', async () => {
    const other = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: other.url,
      SESSION_KEYS: 'a:{sid},b:{sub}:{jti}',
    })
    try {
      const sub = 'someone'
      const [one, two] = [
        await token({ sub, sid: 's1', jti: 'j1' }),
        await token({ sub, sid: 's2', jti: 'j2' }),
      ]
      const keys = ['a:s1', 'a:s2', 'b:someone:j1', 'b:someone:j2', 'a:s3']
      for (const key of keys) await other.client.set(key, 'data')
      expect((await service.logout(one, { token: two })).status).to.equal(200)
      expect(await other.client.keys('*')).to.deep.equal(['a:s3'])
    } finally {
      await service.stop()
      await other.stop()
    }
  })

  it('200 for one of many logouts of one token at the same time, with session data in another Redis', async () => {
    const other = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: other.url,
      SESSION_KEYS: 'a:{sid}',
    })
    try {
      const jwt = await token({ sid: 'at-once' })
      const statuses = (
        await Promise.all(Array.from({ length: 10 }, () => service.logout(jwt)))
      ).map(({ status }) => status)
      expect(statuses.sort()).to.deep.equal([200, ...Array.from({ length: 9 }, () => 401)])
    } finally {
      await service.stop()
      await other.stop()
    }
  })

  it('401 or 429: session data in another Redis stays', async () => {
    const other = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: other.url,
      SESSION_KEYS: 'a:{sid}',
      RATE_LIMIT_SUBJECT: '1/60',
    })
    try {
      const [one, two] = [
        await token({ sub: 'limited', sid: 'limited-1' }),
        await token({ sub: 'limited', sid: 'limited-2' }),
      ]
      expect((await service.logout(one)).status).to.equal(200)
      const revoked = await token({ sub: 'another', sid: 'limited-1' })
      for (const key of ['a:limited-1', 'a:limited-2']) await other.client.set(key, 'data')
      expect([
        (await service.logout(revoked)).status,
        (await service.logout(two)).status,
      ]).to.deep.equal([401, 429])
      expect((await other.client.keys('*')).sort()).to.deep.equal(['a:limited-1', 'a:limited-2'])
    } finally {
      await service.stop()
      await other.stop()
    }
  })

  it('500, nothing stored: the session store does not answer; 200 whatever text the claims have', async () => {
    const deadlines = holdDeadlines()
    const other = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: other.url,
      SESSION_KEYS: 'a:{sid}',
      STORE_TIMEOUT_MS: String(heldDeadlineMs),
    })
    try {
      const before = await redis.client.keys('cierre:*:s:*')
      other.pause()
      const jwt = await token()
      expect((await deadlines.during(service.logout(jwt))).value.status).to.equal(500)
      expect(await redis.client.keys('cierre:*:s:*')).to.deep.equal(before)
      other.resume()
      expect((await service.logout(jwt)).status).to.equal(200)
      for (const sid of [undefined, null])
        expect((await service.logout(await token({ sid }))).status).to.equal(200)
      for (const sid of [
        'auth0|5f7c32',
        'q3Zk+/4A==',
        'a+b@c.test',
        'x'.repeat(3_000),
        'has space',
        'star*',
        '{brace}',
        '{sid}',
        'new\nline',
        "o'hara@example.com",
        'José',
        '日本 😀',
        '*',
        'a\0b',
      ]) {
        await other.client.set(`a:${sid}`, 'data')
        expect((await service.logout(await token({ sid }))).status, sid).to.equal(200)
      }
      expect(await other.client.keys('*')).to.deep.equal([])
    } finally {
      await service.stop()
      await other.stop()
      deadlines.restore()
    }
  })

  it('property: 200 with any values of the claims, and exactly the session data that they name is deleted', async () => {
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_KEYS: 'p:{sid},q:{sub}:{jti}',
    })
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
      fc.constantFrom(
        '*',
        '{sid}',
        "o'hara@example.com",
        'José',
        'a\u0000b',
        '__proto__',
        ' ',
        'p:',
        '[a-z]*',
        '\\',
      ),
    )
    const claim = fc.oneof(
      { weight: 4, arbitrary: text },
      { weight: 2, arbitrary: fc.maxSafeInteger() },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(null, '', true, {}, ['x'], 0.5, '\ud800') },
    )
    const countsAsText = (value: unknown) =>
      (typeof value === 'string' && value !== '' && value.isWellFormed()) ||
      Number.isSafeInteger(value)
    try {
      await fc.assert(
        fc.asyncProperty(claim, claim, claim, fc.uuid(), async (sid, sub, jti, realm) => {
          const named = [
            ...(countsAsText(sid) ? [`p:${String(sid)}`] : []),
            ...(countsAsText(sub) && countsAsText(jti) ? [`q:${String(sub)}:${String(jti)}`] : []),
          ]
          const others = ['p:another', 'q:another:one', `p:${String(sid)}x`]
          for (const key of [...named, ...others]) await redis.client.set(key, 'data')
          const jwt = await token({ iss: `https://${realm}.test`, sid, sub, jti })
          expect((await service.logout(jwt)).status).to.equal(200)
          expect((await service.logout(jwt)).headers['x-error-reason']).to.equal('revoked')
          for (const key of named) expect(await redis.client.exists(key), key).to.equal(0)
          for (const key of others)
            if (!named.includes(key)) expect(await redis.client.exists(key), key).to.equal(1)
        }),
        { numRuns: repeats(40, 150) },
      )
    } finally {
      await service.stop()
    }
  })

  it('500, nothing deleted and nothing stored, where the Redis of the revocations cannot do both', async () => {
    const full = await startRedis(['--maxmemory-policy', 'noeviction'])
    const withoutUnlink = await startRedis(['--rename-command', 'UNLINK', ''])
    try {
      const here = await startService({ REDIS_URL: full.url, SESSION_KEYS: 'a:{sid}' })
      const jwt = await token({ sid: 'one' })
      await full.client.set('a:one', 'data')
      await full.client.configSet('maxmemory', '1')
      expect((await here.logout(jwt)).status).to.equal(500)
      expect([
        await full.client.get('a:one'),
        await full.client.keys('cierre:*:s:*'),
      ]).to.deep.equal(['data', []])
      await full.client.configSet('maxmemory', '0')
      expect((await here.logout(jwt)).status).to.equal(200)
      expect(await full.client.exists('a:one')).to.equal(0)
      await here.stop()

      const there = await startService({ REDIS_URL: withoutUnlink.url, SESSION_KEYS: 'a:{sid}' })
      const [named, nameless] = [await token({ sid: 'has-data' }), await token({ sid: undefined })]
      const [refused, taken] = await Promise.all([there.logout(named), there.logout(nameless)])
      expect([refused.status, taken.status]).to.deep.equal([500, 200])
      expect(await withoutUnlink.client.keys('cierre:*:s:*')).to.deep.equal([])
      expect(there.audited().find(({ outcome }) => outcome === 'unknown')).to.include({
        reason: 'sessions',
      })
      expect(JSON.stringify(there.logged())).not.to.include('has-data')
      await there.stop()
    } finally {
      await full.stop()
      await withoutUnlink.stop()
    }
  })

  it('500 when the session store refuses the command, and no log has the session', async () => {
    const other = await startRedis(['--rename-command', 'UNLINK', ''])
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: other.url,
      SESSION_KEYS: 'a:{sid}',
    })
    try {
      expect((await service.logout(await token())).status).to.equal(500)
      expect(JSON.stringify(service.logged())).to.include('redis answered ERR')
    } finally {
      await service.stop()
      await other.stop()
    }
  })

  it('200: a revocation by name deletes session data, too, except with a cutoff', async () => {
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_KEYS: 'n:{sid},m:{sub}',
      CLIENTS: clientsVariable,
    })
    const revoke = (body: object) =>
      service.send({
        method: 'POST',
        path: '/api/v1/revocations',
        headers: { ...asClient(), 'content-type': 'application/json' },
        body: JSON.stringify({ iss: 'https://issuer.test', reason: 'admin', ...body }),
      })
    try {
      for (const key of ['n:one', 'm:alice', 'm:bob']) await redis.client.set(key, 'data')
      for (const named of [{ sid: 'one' }, { sub: 'alice' }, { sub: 'bob', cutoff: 1 }])
        expect((await revoke(named)).status, JSON.stringify(named)).to.equal(200)
      expect([await redis.client.keys('n:*'), await redis.client.keys('m:*')]).to.deep.equal([
        [],
        ['m:bob'],
      ])
    } finally {
      await service.stop()
    }
  })

  it('not ready while the session store is down', async () => {
    const service = await startService({
      REDIS_URL: redis.url,
      SESSION_REDIS_URL: 'redis://127.0.0.1:1',
      SESSION_KEYS: 'a:{sid}',
    })
    try {
      expect(await service.isReady()).to.equal(false)
    } finally {
      await service.stop()
    }
  })

  it('200 expires cookies with their attributes, and has Clear-Site-Data over HTTPS only', async () => {
    const service = await startService({
      SESSION_COOKIES: 'sid; Path=/; Domain=example.com; Secure, __Host-s; Path=/; Secure',
      TRUST_PROXY: '127.0.0.1',
    })
    try {
      const plain = await service.logout(await token())
      expect(plain.headers['set-cookie']).to.deep.equal([
        'sid=; Path=/; Domain=example.com; Secure; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        '__Host-s=; Path=/; Secure; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      ])
      expect(plain.headers['clear-site-data']).to.equal(undefined)
      expect(plain.headers['strict-transport-security']).to.equal(undefined)
      const jwt = await token()
      const secure = await service.logout(jwt, { token: jwt }, { 'x-forwarded-proto': 'https' })
      expect(secure.headers['clear-site-data']).to.equal('"storage"')
      expect(secure.headers['strict-transport-security']).to.equal('max-age=31536000')
      const refused = await service.logout(jwt, { token: jwt }, { 'x-forwarded-proto': 'https' })
      expect([
        refused.status,
        refused.headers['set-cookie'],
        refused.headers['clear-site-data'],
      ]).to.deep.equal([401, undefined, undefined])
    } finally {
      await service.stop()
    }
  })
})
