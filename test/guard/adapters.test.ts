import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'chai'
import express from 'express'
import { expressjwt } from 'express-jwt'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import koaJwt from 'koa-jwt'
import { WebSocket, WebSocketServer } from 'ws'
import {
  expressGuard,
  fastifyGuard,
  guardRequest,
  honoGuard,
  isRevokedForExpressJwt,
  isRevokedForKoaJwt,
  koaGuard,
  type Guard,
} from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard } from '../support/guard.js'
import { send, sendRaw } from '../support/http.js'
import { freePort, until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, nowS, token } from '../support/tokens.js'

type Subject = { sub?: unknown } | undefined

/** The same API in each framework: `/` answers the subject of the bearer. */
const frameworks: Record<string, (guard: Guard) => Promise<RequestListener>> = {
  'node:http': async (guard) => (request, response) => {
    const answer = async () => {
      const claims = await guardRequest(guard, request, response)
      if (claims !== undefined) response.end(claims.sub)
    }
    void answer()
  },
  'Express 5': async (guard) =>
    express().get(
      '/',
      expressGuard(guard),
      (request, response) =>
        void response.send((request as unknown as { claims: Subject }).claims?.sub),
    ),
  'Koa 3': async (guard) => {
    const app = new Koa()
    app.use(koaGuard(guard) as never)
    app.use((ctx) => void (ctx.body = (ctx.state as { claims: Subject }).claims?.sub))
    const respond = app.callback()
    return (request, response) => void respond(request, response)
  },
  'Fastify 5': async (guard) => {
    const app = Fastify()
    app.get(
      '/',
      { onRequest: fastifyGuard(guard) },
      async (request) => (request as unknown as { claims: Subject }).claims?.sub,
    )
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  Hono: async (guard) => {
    const app = new Hono<{ Variables: { claims: Subject } }>()
    app.get('/', honoGuard(guard) as never, (c) => c.text(String(c.get('claims')?.sub)))
    const respond = getRequestListener(app.fetch)
    return (request, response) => void respond(request, response)
  },
  'express-jwt': async (guard) =>
    express()
      .get(
        '/',
        expressjwt({
          secret: hmacSecret,
          algorithms: ['HS256'],
          isRevoked: isRevokedForExpressJwt(guard) as never,
        }),
        (request, response) =>
          void response.send((request as unknown as { auth: Subject }).auth?.sub),
      )
      .use(((
        error: { status?: number },
        _request: unknown,
        response: express.Response,
        next: () => void,
      ) =>
        error.status === undefined
          ? next()
          : void response.status(error.status).end()) as express.ErrorRequestHandler),
  'koa-jwt': async (guard) => {
    const app = new Koa()
    app.silent = true
    app.use(koaJwt({ secret: hmacSecret, isRevoked: isRevokedForKoaJwt(guard) }))
    app.use((ctx) => void (ctx.body = (ctx.state as { user: Subject }).user?.sub))
    const respond = app.callback()
    return (request, response) => void respond(request, response)
  },
}

describe('the guard in common frameworks', () => {
  let service: TestService
  let guard: Guard
  const servers: Server[] = []
  const serve = async (listener?: RequestListener) => {
    const server = createServer(listener)
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = startGuard(service.origin)
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

  for (const [name, listenerOf] of Object.entries(frameworks)) {
    const isOwn = !name.endsWith('-jwt')
    it(`${name}: 200 with the claims, 401 with a challenge once logged out or expired, 503 when unknown`, async () => {
      const { origin } = await serve(await listenerOf(guard))
      const get = (jwt?: string, at = origin) =>
        send(at, {
          path: '/',
          headers: jwt === undefined ? {} : { authorization: `Bearer ${jwt}` },
        })
      const jwt = await token({ sub: 'alice' })
      const welcome = await get(jwt)
      expect([welcome.status, welcome.text]).to.deep.equal([200, 'alice'])
      expect((await service.logout(jwt)).status).to.equal(200)
      await until('it is refused', async () => (await get(jwt)).status === 401)

      const [none, expired, malformed] = [
        await get(),
        await get(await token({ exp: nowS(-5) })),
        await get('x'),
      ]
      expect([none.status, expired.status, malformed.status]).to.deep.equal([401, 401, 401])
      const good = await token()
      const twice = await sendRaw(
        origin,
        `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${good}\r\nauthorization: Bearer ${good}\r\n\r\n`,
      )
      expect(twice.status, 'two Authorization lines').to.equal(401)
      if (isOwn) {
        expect([none.headers['www-authenticate'], none.json]).to.deep.equal([
          'Bearer realm="cierre"',
          { error: 'invalid_token' },
        ])
        expect(expired.headers['www-authenticate']).to.include('error="invalid_token"')
      }
      const lost = startGuard(`http://127.0.0.1:${await freePort()}`)
      try {
        const unknown = await get(good, (await serve(await listenerOf(lost))).origin)
        // koa-jwt turns every error of isRevoked into a 401.
        expect(unknown.status).to.equal(name === 'koa-jwt' ? 401 : 503)
        if (isOwn)
          expect([unknown.headers['retry-after'], unknown.json]).to.deep.equal([
            '1',
            { error: 'temporarily_unavailable' },
          ])
      } finally {
        await lost.close()
      }
    })
  }

  it('ws: an open connection is closed when its token is logged out', async () => {
    const { server, origin } = await serve()
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      const upgrade = async () => {
        const claims = await guard.check(request.headersDistinct['authorization'])
        sockets.handleUpgrade(request, socket, head, (live) => {
          const stop = guard.watch(claims, (why) => live.close(4401, why))
          live.once('close', stop)
          live.send(`welcome ${claims.sub}`)
        })
      }
      upgrade().catch((error: { status: number }) =>
        socket.end(`HTTP/1.1 ${error.status} Refused\r\nConnection: close\r\n\r\n`),
      )
    })
    const jwt = await token({ sub: 'alice' })
    const live = new WebSocket(origin.replace('http', 'ws'), {
      headers: { authorization: `Bearer ${jwt}` },
    })
    const [message] = (await once(live, 'message')) as [Buffer]
    expect(message.toString()).to.equal('welcome alice')
    const closed = once(live, 'close')
    expect((await service.logout(jwt)).status).to.equal(200)
    const [code, reason] = (await closed) as [number, Buffer]
    expect([code, reason.toString()]).to.deep.equal([4401, 'revoked'])
    const again = new WebSocket(origin.replace('http', 'ws'), {
      headers: { authorization: `Bearer ${jwt}` },
    })
    const [refused] = (await once(again, 'error')) as [Error]
    expect(refused.message).to.include('401')
    expect(guard.stats().watched).to.equal(0)
  })
})
