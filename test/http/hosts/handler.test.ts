import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'chai'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import mount from 'koa-mount'
import { fastifyPlugin, honoHandler, koaHandler, type Cierre } from '../../../src/embedded.js'
import {
  expressGuard,
  fastifyGuard,
  guardRequest,
  honoGuard,
  koaGuard,
} from '../../../src/guard.js'
import { asClient, clients } from '../../support/clients.js'
import { openCierre, serveApp, type TestApp, type TestCierre } from '../../support/embedded.js'
import { statusOf } from '../../support/guard.js'
import { until } from '../../support/processes.js'
import { follow } from '../../support/sse.js'
import { token } from '../../support/tokens.js'
import { feedPath } from '../../support/feed-path.js'

type Place = Readonly<{
  /** The path that it is mounted at; empty: the root. */
  at: string
  /** Whether a parser of the app stands before it. */
  parses: boolean
}>

/**
 * The same app in each framework: cierre at a place, `GET /own` behind the guard, `GET /url`, which
 * answers the URL that the app still sees, and a 404 of its own for everything else.
 */
const frameworks: Record<string, (cierre: Cierre, place: Place) => Promise<RequestListener>> = {
  'node:http': async ({ handler, guard }, { at, parses }) => {
    const own: RequestListener = (request, response) => {
      if (request.url === '/url') return void response.end(request.url)
      if (request.url !== '/own') return void response.writeHead(404).end('not here')
      void guardRequest(guard, request, response).then((claims) => claims && response.end('own'))
    }
    return (request, response) => {
      const { url = '' } = request
      const answer = () => {
        if (at !== '' && !url.startsWith(`${at}/`)) return own(request, response)
        request.url = url.slice(at.length)
        handler(request, response, () => {
          request.url = url
          own(request, response)
        })
      }
      if (!parses) return answer()
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        Object.assign(request, { body: Buffer.concat(chunks) })
        answer()
      })
    }
  },
  'Express 5': async ({ handler, guard }, { at, parses }) => {
    const app = express()
    if (parses) app.use(express.json(), express.urlencoded({ extended: true }))
    app.use(at === '' ? '/' : at, handler)
    app.get('/own', expressGuard(guard), (_request, response) => void response.send('own'))
    app.get('/url', (request, response) => void response.send(request.url))
    return app.use((_request, response) => void response.status(404).send('not here'))
  },
  'Koa 3': async (cierre, { at, parses }) => {
    const app = new Koa()
    if (parses) app.use(bodyParser())
    app.use(at === '' ? koaHandler(cierre) : mount(at, koaHandler(cierre)))
    app.use(async (ctx, next) => {
      if (ctx.path === '/own') await koaGuard(cierre.guard)(ctx, next)
      else await next()
    })
    app.use((ctx) => {
      ctx.status = ctx.path === '/own' || ctx.path === '/url' ? 200 : 404
      ctx.body = ctx.path === '/own' ? 'own' : ctx.path === '/url' ? ctx.url : 'not here'
    })
    const respond = app.callback()
    return (request, response) => void respond(request, response)
  },
  'Fastify 5': async (cierre, { at, parses }) => {
    const app = Fastify()
    if (parses)
      app.all('/*', async (request, reply) => {
        // What a route does that hands a request on which Fastify has parsed.
        Object.assign(request.raw, { body: request.body })
        const url = request.raw.url ?? ''
        if (at !== '' && !url.startsWith(`${at}/`)) return reply.code(404).send('not here')
        request.raw.url = url.slice(at.length)
        await new Promise<void>((resolve) => {
          reply.raw.once('close', resolve)
          cierre.handler(request.raw, reply.raw, () => resolve())
        })
        return reply.raw.headersSent ? reply.hijack() : reply.code(404).send('not here')
      })
    else await app.register(fastifyPlugin(cierre), at === '' ? {} : { prefix: at })
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      async (_request: unknown, body: string | Buffer) => String(body),
    )
    app.get('/own', { onRequest: fastifyGuard(cierre.guard) }, async () => 'own')
    app.get('/url', async (request) => request.raw.url)
    app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('not here'))
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  Hono: async (cierre, { at, parses }) => {
    const app = new Hono()
    if (parses)
      app.use(async (c, next) => {
        const type = c.req.header('content-type') ?? ''
        if (type.includes('json')) await c.req.json().catch(() => undefined)
        else if (type.includes('form')) await c.req.parseBody()
        await next()
      })
    app.use(`${at}/*`, honoHandler(cierre))
    app.get('/own', honoGuard(cierre.guard) as never, (c) => c.text('own'))
    app.get('/url', (c) => c.text((c.env as { incoming: { url: string } }).incoming.url))
    app.notFound((c) => c.text('not here', 404))
    const respond = getRequestListener(app.fetch)
    return (request, response) => void respond(request, response)
  },
}

const isRevocation = ({ event }: { event?: string | undefined }) => event === 'revocation'
const loggedOut = { success: true, message: 'Sesión cerrada exitosamente' }
const formType = { 'content-type': 'application/x-www-form-urlencoded' }

for (const [name, listenerOf] of Object.entries(frameworks))
  for (const at of ['', '/auth'])
    for (const parses of [false, true])
      describe(`cierre in ${name}, ${at || 'at the root'}, ${parses ? 'behind' : 'without'} a body parser`, () => {
        let cierre: TestCierre
        let app: TestApp
        before(async () => {
          cierre = openCierre({ clients })
          await cierre.ready()
          app = await serveApp(await listenerOf(cierre, { at, parses }))
        })
        after(async () => {
          await app.stop()
          await cierre.close()
        })
        const own = (jwt: string) =>
          app.send({ path: '/own', headers: { authorization: `Bearer ${jwt}` } })
        const post = (path: string, body: string, headers: Record<string, string>) =>
          app.send({ method: 'POST', path: `${at}${path}`, body, headers })

        it('200: the guard of this process refuses the token from the answer on', async () => {
          const [jwt, other] = [await token(), await token()]
          expect([(await own(jwt)).status, (await own(other)).status]).to.deep.equal([200, 200])
          const answer = await app.logout(jwt, at)
          expect([answer.status, answer.json]).to.deep.equal([200, loggedOut])
          expect(answer.headers['cache-control']).to.equal('no-store')
          expect([(await own(jwt)).status, (await own(other)).status]).to.deep.equal([401, 200])
          expect(await statusOf(cierre.guard, jwt)).to.equal(401)
          const again = await app.logout(jwt, at)
          expect([again.status, again.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
        })

        it('forms are read, by whichever side, and a name that is sent twice is 400', async () => {
          const jwt = await token({ sub: 'alice' })
          const ask = (form: string) =>
            post('/oauth/introspect', form, { ...formType, ...asClient() })
          const answer = await ask(`token=${jwt}&hint=a%20b`)
          expect(answer.status).to.equal(200)
          expect(answer.json).to.include({ active: true, sub: 'alice' })
          expect((await ask(`token=${jwt}&token=${jwt}`)).status).to.equal(400)
          expect((await ask('hint=x')).status).to.equal(400)
        })

        it('415: a form for logout, and a content coding, whichever side has read it; the token stays good', async () => {
          const jwt = await token()
          const bearer = { authorization: `Bearer ${jwt}` }
          const path = '/api/v1/auth/logout'
          const form = await post(path, `token=${jwt}`, { ...formType, ...bearer })
          expect([form.status, form.json]).to.deep.equal([
            415,
            { success: false, message: 'Tipo de contenido no admitido' },
          ])
          const packed = await app.send({
            method: 'POST',
            path: `${at}${path}`,
            body: gzipSync(JSON.stringify({ token: jwt })),
            headers: { ...bearer, 'content-type': 'application/json', 'content-encoding': 'gzip' },
          })
          // Fastify's own parser refuses it before the route is called.
          const isRefusedBefore = parses && name === 'Fastify 5'
          expect(packed.status).to.equal(isRefusedBefore ? 400 : 415)
          expect((await own(jwt)).status).to.equal(200)
        })

        it('400 for an unknown member, 401 for a body that names nothing', async () => {
          const jwt = await token()
          const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' }
          const send = async (body: unknown) =>
            (await post('/api/v1/auth/logout', JSON.stringify(body), headers)).status
          expect(await send({ token: jwt, other: 1 })).to.equal(400)
          expect(await send({})).to.equal(401)
          expect(await send([])).to.equal(401)
          expect((await post('/api/v1/auth/logout', '', {})).status).to.equal(401)
        })

        it('405 with Allow; the paths below a check; a stream', async () => {
          const wrong = await app.send({ path: `${at}/api/v1/auth/logout` })
          expect([wrong.status, wrong.headers['allow']]).to.deep.equal([405, 'POST, OPTIONS'])
          const jwt = await token({ sub: 'alice' })
          const check = await app.send({
            method: 'DELETE',
            path: `${at}/api/v1/auth/verify/orders/1?x=1`,
            headers: { authorization: `Bearer ${jwt}` },
          })
          expect([check.status, check.headers['x-auth-subject']]).to.deep.equal([200, 'alice'])
          const path = at + feedPath('snapshot')
          const snapshot = await app.send({ path, headers: asClient() })
          expect(snapshot.status).to.equal(200)
          expect(snapshot.headers['content-type']).to.equal('application/octet-stream')
          const stream = await follow(
            `${app.origin}${at}`,
            String(cierre.guard.stats().position),
            asClient(),
          )
          expect((await app.logout(jwt, at)).status).to.equal(200)
          await until('it is in the stream', () => stream.events.some(isRevocation))
          stream.stop()
        })

        it('everything else is the app’s own, with the URL as it was', async () => {
          for (const path of [
            '/',
            '/nowhere',
            '/health/live',
            '/metrics',
            '/docs',
            '/openapi.json',
            '/api/v1/users',
            '/api/v1/auth/logout/',
            '/API/V1/auth/logout',
            '/oauth/authorize',
            `${at}/health/ready`,
            `${at}/api/v1/nowhere`,
            `/auth2/api/v1/auth/logout`,
          ]) {
            const answer = await app.send({ path })
            expect([answer.status, answer.text], path).to.deep.equal([404, 'not here'])
          }
          expect((await app.send({ path: '/url' })).text).to.equal('/url')
          if (at !== '') expect((await app.logout(await token())).status).to.equal(404)
        })
      })

describe('a host of cierre', () => {
  it('200 that its client did not wait for: the token is revoked, and the rest of a Koa app is not run', async () => {
    const cierre = openCierre()
    await cierre.ready()
    const app = new Koa()
    let isPassedOn = false
    const handled = new Promise<void>((resolve) => {
      app.use(bodyParser())
      app.use(async (ctx, next) => {
        const closed = once(ctx.res, 'close')
        ctx.req.socket.destroy()
        await closed
        await next()
        resolve()
      })
      app.use(koaHandler(cierre))
      app.use(() => void (isPassedOn = true))
    })
    const respond = app.callback()
    const served = await serveApp((request, response) => void respond(request, response))
    try {
      const jwt = await token()
      await served.logout(jwt).catch(() => undefined)
      await handled
      await until('it is revoked', async () => (await statusOf(cierre.guard, jwt)) === 401)
      expect(isPassedOn).to.equal(false)
    } finally {
      await served.stop()
      await cierre.close()
    }
  })

  it('Hono under another server gets an error that says what is needed', async () => {
    const cierre = openCierre()
    const app = new Hono().use(honoHandler(cierre))
    app.onError((error, c) => c.text(error.message, 500))
    const answer = await app.request('/api/v1/auth/logout', { method: 'POST' })
    expect([answer.status, await answer.text()]).to.deep.equal([
      500,
      'honoHandler needs the server of @hono/node-server',
    ])
    await cierre.close()
  })

  it('Hono: a route for some paths of the service, and a mount with a parameter', async () => {
    const cierre = openCierre()
    await cierre.ready()
    const app = new Hono()
    app.all('/api/v1/auth/*', honoHandler(cierre))
    app.use('/:tenant/inner/*', honoHandler(cierre))
    const respond = getRequestListener(app.fetch)
    const served = await serveApp((request, response) => void respond(request, response))
    try {
      for (const at of ['', '/one/inner']) {
        const jwt = await token()
        expect((await served.logout(jwt, at)).status, at).to.equal(200)
        expect(await statusOf(cierre.guard, jwt)).to.equal(401)
      }
      expect((await served.logout(await token(), '/one')).status).to.equal(404)
    } finally {
      await served.stop()
      await cierre.close()
    }
  })
})
