import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import express from 'express'
import session from 'express-session'
import { GuardError } from '../../src/guard.js'
import { asClient, clients } from '../support/clients.js'
import { openCierre, serveApp, type TestApp, type TestCierre } from '../support/embedded.js'
import { startGuard, statusOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { exitCode } from '../support/instance.js'
import { start, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret, nowS, token } from '../support/tokens.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

for (const kind of ['memory', 'redis'] as const)
  describe(`createCierre on ${kind}`, () => {
    let redis: TestRedis | undefined
    let cierre: TestCierre
    let app: TestApp
    before(async () => {
      redis = kind === 'redis' ? await startRedis() : undefined
      cierre = openCierre({ redis: { url: redis?.url ?? 'memory:' }, clients })
      await cierre.ready()
      app = await serveApp(cierre.handler)
    })
    after(async () => {
      await app.stop()
      await cierre.close()
      await redis?.stop()
    })

    it('the guard refuses what a logout, an operator or an OAuth client has revoked, from the answer on', async () => {
      const jwt = await token()
      expect(await statusOf(cierre.guard, jwt)).to.equal(200)
      expect((await app.logout(jwt)).status).to.equal(200)
      expect(await statusOf(cierre.guard, jwt)).to.equal(401)

      const [byClient, bySubject] = [await token(), await token({ sub: 'alice' })]
      const revoked = await app.send({
        method: 'POST',
        path: '/oauth/revoke',
        headers: { ...asClient(), 'content-type': 'application/x-www-form-urlencoded' },
        body: `token=${byClient}`,
      })
      expect(revoked.status).to.equal(200)
      expect(await statusOf(cierre.guard, byClient)).to.equal(401)
      const created = await app.send({
        method: 'POST',
        path: '/api/v1/revocations',
        headers: { ...asClient(), 'content-type': 'application/json' },
        body: JSON.stringify({ iss: 'https://issuer.test', sub: 'alice', reason: 'admin' }),
      })
      expect(created.status).to.equal(200)
      expect(await statusOf(cierre.guard, bySubject)).to.equal(401)
    })

    it('a watched token ends with its logout; the guard counts what it knows', async () => {
      const jwt = await token()
      const claims = await cierre.guard.check(`Bearer ${jwt}`)
      const why = new Promise((resolve) => cierre.guard.watch(claims, resolve))
      expect((await app.logout(jwt)).status).to.equal(200)
      expect(await why).to.equal('revoked')
      const stats = cierre.guard.stats()
      expect(stats.fresh).to.equal(true)
      expect(stats.revocations).to.be.at.least(1)
      expect(stats.snapshots).to.equal(1)
    })

    it('a guard of another process follows the app', async () => {
      const guard = startGuard(app.origin)
      try {
        await guard.ready()
        const jwt = await token()
        expect(await statusOf(guard, jwt)).to.equal(200)
        expect((await app.logout(jwt)).status).to.equal(200)
        await until('it is refused there', async () => (await statusOf(guard, jwt)) === 401)
      } finally {
        await guard.close()
      }
    })

    it('without next any other path is 404, in the envelope', async () => {
      for (const path of ['/', '/nowhere', '/health/live', '/api/v1/nowhere']) {
        const answer = await app.send({ path })
        expect([answer.status, answer.json], path).to.deep.equal([
          404,
          { success: false, message: 'Recurso no encontrado' },
        ])
      }
    })

    it('audit lines and log lines go where the option says', async () => {
      const jwt = await token()
      expect((await app.logout(jwt)).status).to.equal(200)
      await until('the audit line is there', () =>
        cierre.logged().some(({ name, msg }) => name === 'audit' && msg === 'authn_token_revoked'),
      )
      expect(cierre.logged()[0]).to.include({ msg: 'embedded', store: kind })
    })
  })

describe('createCierre in several processes', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  const open = async (options = {}) => {
    const cierre = openCierre({ redis: { url: redis.url }, ...options })
    const app = await serveApp(cierre.handler)
    return {
      cierre,
      app,
      stop: async () => {
        await app.stop()
        await cierre.close()
      },
    }
  }

  it('one logs out, and the other refuses and ends what it watches; both by one Redis', async () => {
    const [one, other] = [await open(), await open()]
    try {
      await Promise.all([one.cierre.ready(), other.cierre.ready()])
      const jwt = await token()
      const claims = await other.cierre.guard.check(`Bearer ${jwt}`)
      const why = new Promise((resolve) => other.cierre.guard.watch(claims, resolve))
      expect((await one.app.logout(jwt)).status).to.equal(200)
      await until('the other refuses it', async () => {
        return (await statusOf(other.cierre.guard, jwt)) === 401
      })
      expect(await why).to.equal('revoked')
      expect((await other.app.logout(jwt)).headers['x-error-reason']).to.equal('revoked')
    } finally {
      await Promise.all([one.stop(), other.stop()])
    }
  })

  it('503 and the event stale while Redis does not answer, 200 and fresh when it is back', async () => {
    const { cierre, app, stop } = await open({ maxStalenessMs: 1_000, storeTimeoutMs: 1_000 })
    const events: string[] = []
    cierre.guard.on('stale', () => events.push('stale'))
    cierre.guard.on('fresh', () => events.push('fresh'))
    try {
      await cierre.ready()
      const [jwt, ended] = [await token(), await token()]
      expect((await app.logout(ended)).status).to.equal(200)
      redis.pause()
      // Nothing asks the guard meanwhile: the event comes by itself.
      await until('it is stale', () => events.at(-1) === 'stale')
      expect(await statusOf(cierre.guard, jwt)).to.equal(503)
      expect(await statusOf(cierre.guard, ended)).to.equal(401)
      expect((await app.logout(jwt)).status).to.equal(500)
      redis.resume()
      await until('it is fresh', async () => (await statusOf(cierre.guard, await token())) === 200)
      await until('it says so', () => events.at(-1) === 'fresh')
    } finally {
      redis.resume()
      await stop()
    }
  })

  it('ready() rejects with the reason: Redis is away, the key set is, Redis would evict', async () => {
    const reasonOf = async (options: object) => {
      const cierre = openCierre(options)
      try {
        return await cierre.ready(300).then(
          () => 'ready',
          (error: Error) => error.message,
        )
      } finally {
        await cierre.close()
      }
    }
    expect(await reasonOf({ redis: { url: 'redis://127.0.0.1:1' }, storeTimeoutMs: 100 })).to.match(
      /^the guard is not ready within 300 ms: /,
    )
    const issuers = [{ issuer: 'https://issuer.test', jwksUri: 'http://127.0.0.1:1/jwks' }]
    expect(await reasonOf({ issuers })).to.match(/the key set of http:\/\/127.0.0.1:1 has not been/)
    const evicting = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
    try {
      const cierre = openCierre({ redis: { url: evicting.url } })
      const failure: unknown = await cierre.ready().catch((error: unknown) => error)
      expect((failure as Error).message).to.match(/^cierre is not ready: eviction failed;/)
      await cierre.close()
    } finally {
      await evicting.stop()
    }
  })
})

describe('createCierre in an app', () => {
  const serve = async (options: Parameters<typeof openCierre>[0], around = express()) => {
    const cierre = openCierre(options)
    await cierre.ready()
    const app = await serveApp(around.use('/auth', cierre.handler))
    return {
      ...app,
      cierre,
      stop: async () => {
        await app.stop()
        await cierre.close()
      },
    }
  }

  it('takes the token from the cookie, from a page of the app alone, and expires it', async () => {
    const app = await serve({
      authCookie: 'token; Path=/; HttpOnly',
      publicUrl: 'https://app.example.com',
    })
    try {
      const logout = async (jwt: string, origin: string) =>
        app.send({
          method: 'POST',
          path: '/auth/api/v1/auth/logout',
          headers: { 'content-type': 'application/json', cookie: `token=${jwt}`, origin },
          body: '{}',
        })
      const jwt = await token()
      expect((await logout(jwt, 'https://evil.example.com')).status).to.equal(401)
      expect(await statusOf(app.cierre.guard, jwt)).to.equal(200)
      const answer = await logout(jwt, 'https://app.example.com')
      expect(answer.status).to.equal(200)
      expect(answer.headers['set-cookie']?.[0]).to.match(/^token=; Path=\/; HttpOnly; Max-Age=0/)
      expect(await statusOf(app.cierre.guard, jwt)).to.equal(401)
    } finally {
      await app.stop()
    }
  })

  it('keeps header fields and cookies of the app, of middleware that sets them late, too', async () => {
    const around = express()
      .use(session({ secret: 'x', resave: true, rolling: true, saveUninitialized: true }))
      .use((_request, response, next) => {
        response.setHeader('X-App', 'yes')
        response.cookie('seen', '1')
        next()
      })
    const app = await serve({ sessionCookies: ['sid; Path=/'] }, around)
    try {
      const answer = await app.logout(await token(), '/auth')
      expect([answer.status, answer.headers['x-app']]).to.deep.equal([200, 'yes'])
      const names = [answer.headers['set-cookie']].flat().map((line) => line?.split('=')[0])
      expect(names.sort()).to.deep.equal(['connect.sid', 'seen', 'sid'])
      const { json } = answer
      expect(json).to.deep.equal({ success: true, message: 'Sesión cerrada exitosamente' })
    } finally {
      await app.stop()
    }
  })

  it('500 at once and a log line, when the app has read the body and left nothing', async () => {
    const around = express().use((request, _response, next) => {
      request.resume().on('end', () => next())
    })
    const app = await serve({}, around)
    try {
      const jwt = await token()
      const answer = await app.logout(jwt, '/auth')
      expect([answer.status, answer.json]).to.deep.equal([
        500,
        { success: false, message: 'Error interno del servidor' },
      ])
      await until('the log says why', () =>
        app.cierre.logged().some(({ err }) => {
          const { message } = (err ?? {}) as { message?: string }
          return message?.startsWith('the app has read the body of this request and left nothing')
        }),
      )
      expect(await statusOf(app.cierre.guard, jwt)).to.equal(200)
    } finally {
      await app.stop()
    }
  })

  it('answers health, metrics, the contract and its page where the option says so', async () => {
    const paths = {
      health: ['/health/live', '/health/ready'],
      metrics: ['/metrics'],
      openapi: ['/openapi.yaml', '/openapi.json'],
      docs: ['/docs', '/docs/reference.js', '/docs/swagger-ui.css'],
    }
    const statuses = async (otherPaths: (keyof typeof paths)[]) => {
      const app = await serve({ otherPaths })
      try {
        const all = Object.values(paths).flat()
        const answers = await Promise.all(all.map((path) => app.send({ path: `/auth${path}` })))
        return all.filter((_, index) => answers[index]?.status === 200)
      } finally {
        await app.stop()
      }
    }
    expect(await statuses([])).to.deep.equal([])
    expect(await statuses(['health'])).to.deep.equal(paths.health)
    expect(await statuses(['metrics'])).to.deep.equal(paths.metrics)
    expect(await statuses(['openapi'])).to.deep.equal(paths.openapi)
    expect(await statuses(['docs'])).to.deep.equal(['/openapi.json', ...paths.docs])
  })

  it('at a Unix socket behind a proxy: answers in the envelope, with the address that the proxy wrote', async () => {
    const cierre = openCierre({ redis: { url: 'memory:' }, trustProxy: 1 })
    await cierre.ready()
    const dir = mkdtempSync(join(tmpdir(), 'cierre-embedded-'))
    const server = createServer(cierre.handler).listen(join(dir, 'app.sock'))
    try {
      await once(server, 'listening')
      for (const forwarded of ['203.0.113.9', undefined]) {
        const asked = request({
          socketPath: join(dir, 'app.sock'),
          path: '/api/v1/auth/verify',
          headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
          agent: false,
        }).end()
        const [answer] = (await once(asked, 'response')) as [IncomingMessage]
        answer.resume()
        expect(answer.statusCode).to.equal(401)
        expect(answer.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
      }
    } finally {
      server.close()
      server.closeAllConnections()
      await cierre.close()
      rmSync(dir, { recursive: true })
    }
  })

  it('a client leaves before its body came: nothing is revoked, and nothing hangs', async () => {
    const around = express().use((request, _response, next) => {
      request.socket.once('close', () => next())
      request.socket.destroy()
    })
    const app = await serve({}, around)
    try {
      const jwt = await token()
      await app.logout(jwt, '/auth').catch(() => undefined)
      expect(await statusOf(app.cierre.guard, jwt)).to.equal(200)
    } finally {
      await app.stop()
    }
  })

  it('an expired token is 403 at logout and 401 at the guard', async () => {
    const app = await serve({})
    try {
      const jwt = await token({ exp: nowS(-5) })
      expect((await app.logout(jwt, '/auth')).status).to.equal(403)
      expect(await statusOf(app.cierre.guard, jwt)).to.equal(401)
    } finally {
      await app.stop()
    }
  })
})

describe('createCierre and its process', () => {
  it('takes no signal, no lost error and no key of the environment, and leaves no listener behind', async () => {
    const names = ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'exit']
    const counts = () => names.map((name) => process.listenerCount(name))
    const before = counts()
    const cierre = openCierre()
    expect(counts().slice(0, -1)).to.deep.equal(before.slice(0, -1))
    await cierre.ready()
    await cierre.close()
    expect(counts()).to.deep.equal(before)
  })

  it('503 by the guard after close(), and a second close() does no harm', async () => {
    const cierre = openCierre()
    await cierre.ready()
    const jwt = await token()
    await cierre.close()
    await cierre.close()
    expect(await statusOf(cierre.guard, jwt)).to.equal(503)
    const refusal: unknown = await cierre.guard.ready(10).catch((error: unknown) => error)
    expect(refusal).to.be.instanceOf(Error).and.not.to.be.instanceOf(GuardError)
  })

  for (const kind of ['memory', 'redis'] as const)
    it(`the process ends by itself after close(), on ${kind}`, async () => {
      const redis = kind === 'redis' ? await startRedis() : undefined
      const jwt = await token()
      const child = start(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `
          import { once } from 'node:events'
          import { createServer } from 'node:http'
          import { createCierre } from 'cierre/embedded'
          const cierre = createCierre({
            issuers: [{ secret: process.env.SECRET }],
            redis: { url: process.env.URL },
            log: { write() {} },
            storeTimeoutMs: 20_000,
          })
          const server = createServer(cierre.handler).listen(0, '127.0.0.1')
          await Promise.all([once(server, 'listening'), cierre.ready()])
          const headers = { authorization: 'Bearer ' + process.env.JWT, 'content-type': 'application/json' }
          const body = JSON.stringify({ token: process.env.JWT })
          const url = 'http://127.0.0.1:' + server.address().port + '/api/v1/auth/logout'
          const answer = await fetch(url, { method: 'POST', headers, body })
          const refusal = await cierre.guard.check(headers.authorization).catch((error) => error)
          server.closeAllConnections()
          server.close()
          await once(server, 'close')
          await cierre.close()
          process.stdout.write(answer.status + ' ' + refusal.status)
          `,
        ],
        {
          cwd: root,
          env: { SECRET: hmacSecret, URL: redis?.url ?? 'memory:', JWT: jwt },
        },
      )
      try {
        let out = ''
        for (const stream of [child.stdout, child.stderr])
          stream?.on('data', (chunk: Buffer) => (out += chunk.toString()))
        const closed = once(child, 'close')
        expect(await exitCode(child), out).to.equal(0)
        await closed
        expect(out).to.equal('200 401')
      } finally {
        await redis?.stop()
      }
    })

  it('the handler takes a target in absolute form', async () => {
    const cierre = openCierre()
    const app = await serveApp(cierre.handler)
    try {
      await cierre.ready()
      const path = `${app.origin}/api/v1/auth/verify`
      const jwt = await token()
      const answer = await send(app.origin, { path, headers: { authorization: `Bearer ${jwt}` } })
      expect(answer.status).to.equal(200)
    } finally {
      await app.stop()
      await cierre.close()
    }
  })
})
