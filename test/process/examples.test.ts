import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'chai'
import jsonwebtoken from 'jsonwebtoken'
import { createGuard, type Guard } from 'cierre/guard'
import * as clientServer from '../../scripts/examples/client-server.js'
import * as guardCookie from '../../scripts/examples/guard-cookie.js'
import * as guardExpress from '../../scripts/examples/guard-express.js'
import * as guardExpressJwt from '../../scripts/examples/guard-express-jwt.js'
import * as guardFastify from '../../scripts/examples/guard-fastify.js'
import * as guardHono from '../../scripts/examples/guard-hono.js'
import * as guardKoa from '../../scripts/examples/guard-koa.js'
import * as guardKoaJwt from '../../scripts/examples/guard-koa-jwt.js'
import * as guardNest from '../../scripts/examples/guard-nest.js'
import * as guardNodeHttp from '../../scripts/examples/guard-node-http.js'
import * as guardOrIntrospection from '../../scripts/examples/guard-or-introspection.js'
import * as passwordChange from '../../scripts/examples/password-change.js'
import * as refreshRoute from '../../scripts/examples/refresh-route.js'
import { createRevocation, introspect } from '../support/asking.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { send } from '../support/http.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, nowS, token } from '../support/tokens.js'

const folder = new URL('../../scripts/examples/', import.meta.url)
const issuers = [{ issuer: 'https://issuer.test', secret: hmacSecret }]
const feedOf = (url: string) => ({ url, clientId: 'all', clientSecret: secretOf('all') })

/** Each example, as a server that does not listen yet. */
const apis: Record<string, (guard: Guard) => Promise<Server> | Server> = {
  'guard-express.ts': (guard) => createServer(guardExpress.createApi(guard)),
  'guard-express-jwt.ts': (guard) => createServer(guardExpressJwt.createApi(guard, hmacSecret)),
  'guard-fastify.ts': async (guard) => {
    const app = guardFastify.createApi(guard)
    await app.ready()
    return createServer((request, response) => app.routing(request, response))
  },
  'guard-hono.ts': (guard) =>
    createServer(getRequestListener(guardHono.createApi(guard).fetch) as RequestListener),
  'guard-koa.ts': (guard) => createServer(guardKoa.createApi(guard).callback() as RequestListener),
  'guard-koa-jwt.ts': (guard) => {
    const app = guardKoaJwt.createApi(guard, hmacSecret)
    app.silent = true
    return createServer(app.callback() as RequestListener)
  },
  'guard-nest.ts': async (guard) => {
    const app = await guardNest.createApi(guard)
    await app.init()
    return createServer(app.getHttpAdapter().getInstance() as RequestListener)
  },
  'guard-node-http.ts': (guard) => guardNodeHttp.createApi(guard),
}

describe('the examples, against the built package', () => {
  let service: TestService
  let guard: Guard
  const servers: Server[] = []
  const listen = async (server: Server) => {
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const get = (origin: string, jwt: string) =>
    send(origin, { path: '/', headers: { authorization: `Bearer ${jwt}` } })

  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = createGuard({ issuers, feed: feedOf(service.origin) })
    await guard.ready()
  })
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    await guard.close()
    await service.stop()
  })

  for (const [file, createApi] of Object.entries(apis)) {
    it(`${file}: 200 before logout, 401 after it, and no 200 while unknown`, async () => {
      const origin = await listen(await createApi(guard))
      const jwt = await token({ sub: 'alice' })
      const before = await get(origin, jwt)
      expect([before.status, before.text]).to.deep.equal([200, 'alice'])
      expect((await service.logout(jwt)).status).to.equal(200)
      await until('it is refused', async () => (await get(origin, jwt)).status === 401)

      const lost = createGuard({ issuers, feed: feedOf(`http://127.0.0.1:${await freePort()}`) })
      try {
        const unknown = await get(await listen(await createApi(lost)), await token())
        expect(unknown.status).to.equal(503)
      } finally {
        await lost.close()
      }
    })
  }

  for (const file of ['guard-koa.ts', 'guard-hono.ts'])
    it(`${file}: 204 to a preflight request without a token, and the page can read the 401`, async () => {
      const api = await listen(await (apis[file] as (typeof apis)[string])(guard))
      const origin = 'https://app.example.com'
      const preflight = {
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      }
      for (const [method, headers, status] of [
        ['OPTIONS', preflight, 204],
        ['GET', {}, 401],
      ] as const) {
        const answer = await send(api, { method, headers: { origin, ...headers } })
        expect([answer.status, answer.headers['access-control-allow-origin']]).to.deep.equal([
          status,
          origin,
        ])
      }
    })

  it('guard-cookie.ts: the header or a cookie; visitors, a scope, and a page to log in', async () => {
    const origin = await listen(createServer(guardCookie.createApi(guard)))
    const cookie = `token=${await token({ sub: 'alice', scope: 'orders:read' })}`
    const answers = []
    for (const [path, headers] of [
      ['/', {}],
      ['/', { cookie }],
      ['/', { cookie: 'token=x' }],
      ['/orders', { cookie }],
      ['/orders', { authorization: `Bearer ${await token()}`, cookie }],
      ['/account', { cookie }],
      ['/account', {}],
    ] as const) {
      const { status, text, headers: answered } = await send(origin, { path, headers })
      answers.push([status, answered['location'] ?? text])
    }
    expect(answers).to.deep.equal([
      [200, 'a visitor'],
      [200, 'alice'],
      [401, '{"error":"invalid_token"}'],
      [200, 'orders of alice'],
      [403, '{"error":"insufficient_scope"}'],
      [200, 'account of alice'],
      [302, '/login'],
    ])
  })

  it('guard-or-introspection.ts: the service decides while the guard cannot', async () => {
    // This client may introspect but not read the feed, so its guard is never fresh.
    const asking = guardOrIntrospection.createAskingGuard(issuers, {
      url: service.origin,
      clientId: 'deaf',
      clientSecret: secretOf('deaf'),
    })
    try {
      const jwt = await token({ sub: 'alice' })
      expect((await asking.check(`Bearer ${jwt}`)).sub).to.equal('alice')
      expect((await service.logout(jwt)).status).to.equal(200)
      const refusal: unknown = await asking.check(`Bearer ${jwt}`).catch((error: unknown) => error)
      expect(refusal).to.include({ status: 401 })
    } finally {
      await asking.close()
    }
  })

  it('guard-test.ts: passes', async () => {
    const file = fileURLToPath(new URL('guard-test.ts', folder))
    const child = spawn(process.execPath, ['--import', 'tsx', '--test', file])
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect(code, out).to.equal(0)
    expect(out).to.match(/\bpass 1\n/)
  })

  it('refresh-route.ts: new tokens until the session or the subject is logged out, then 401; 503 while the guard cannot tell', async () => {
    const origin = await listen(createServer(refreshRoute.createIssuer(guard, hmacSecret)))
    const post = (path: string, body: object, to = origin) =>
      send(to, {
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const logIn = async (user: string) =>
      JSON.parse((await post('/login', { user })).text) as { access: string; refresh: string }
    const isRefused = (refresh: string) => async () =>
      (await post('/refresh', { refresh })).status === 401
    const [first, second] = [await logIn('erin'), await logIn('erin')]
    const renewed = await post('/refresh', first)
    expect(renewed.status).to.equal(200)
    const { access, refresh } = JSON.parse(renewed.text) as typeof first
    expect(await isRefused(access)(), 'an access token').to.equal(true)
    expect((await post('/refresh', {})).status, 'no token').to.equal(401)

    expect((await service.logout(access)).status).to.equal(200)
    await until('the whole session is refused', isRefused(refresh))
    expect(await isRefused(first.refresh)()).to.equal(true)
    expect((await post('/refresh', second)).status, 'another session').to.equal(200)
    await createRevocation(service, { iss: 'https://issuer.test', sub: 'erin', reason: 'admin' })
    await until('every session is refused', isRefused(second.refresh))

    const lost = createGuard({ issuers, feed: feedOf(`http://127.0.0.1:${await freePort()}`) })
    try {
      const other = await listen(createServer(refreshRoute.createIssuer(lost, hmacSecret)))
      const unknown = await post('/refresh', await logIn('frank'), other)
      expect([unknown.status, unknown.headers['retry-after']]).to.deep.equal([503, '1'])
    } finally {
      await lost.close()
    }
  })

  it('password-change.ts: earlier tokens are refused, the new one works at once, and so does another of the same second; 503 while the service is down', async () => {
    const client = { clientId: 'all', clientSecret: secretOf('all') }
    const post = async (url: string) =>
      send(
        await listen(createServer(passwordChange.createAccounts(hmacSecret, { url, ...client }))),
        {
          method: 'POST',
          path: '/password',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ user: 'grace' }),
        },
      )
    const earlier = await token({ sub: 'grace', iat: nowS(-60) })
    const answer = await post(service.origin)
    expect(answer.status).to.equal(200)
    const changed = String((answer.json as { token: string }).token)
    const { iat } = jsonwebtoken.decode(changed) as { iat: number }
    const [before, sameSecond] = [
      await token({ sub: 'grace', iat: iat - 1 }),
      await token({ sub: 'grace', iat }),
    ]
    const isActive = async (jwt: string) =>
      ((await introspect(service, jwt)).json as { active: boolean }).active
    for (const jwt of [earlier, before]) expect(await isActive(jwt)).to.equal(false)
    for (const jwt of [changed, sameSecond]) expect(await isActive(jwt)).to.equal(true)
    const down = await post(`http://127.0.0.1:${await freePort()}`)
    expect([down.status, down.text]).to.deep.equal([503, ''])
  })

  it('client-server.ts: introspects a token, and revokes every token of a user', async () => {
    const client = clientServer.createServiceClient({
      url: service.origin,
      clientId: 'all',
      clientSecret: secretOf('all'),
    })
    const jwt = await token({ sub: 'bob' })
    expect(await client.isActive(jwt)).to.equal(true)
    await client.logOutEverywhere('https://issuer.test', 'bob')
    expect(await client.isActive(jwt)).to.equal(false)
  })

  it('each file has its line in the index, and each line its file', () => {
    const index = readFileSync(new URL('README.md', folder), 'utf8')
    const listed = [...index.matchAll(/^\| \[`([^`]+)`\]\(\1\)/gm)].map(([, file]) => file)
    const files = readdirSync(folder).filter((file) => file !== 'README.md')
    expect(listed.sort()).to.deep.equal(files.sort())
  })
})
