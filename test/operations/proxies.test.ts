import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { WebSocket, WebSocketServer } from 'ws'
import { startAgent } from '../support/agent.js'
import { clientsVariable } from '../support/clients.js'
import { heldDeadlineMs, holdDeadlines, type Deadlines } from '../support/deadlines.js'
import { serveApp, type TestApp } from '../support/embedded.js'
import { send } from '../support/http.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { reverseProxies, startReverseProxy, type ReverseProxy } from '../support/reverse-proxies.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token } from '../support/tokens.js'

for (const name of reverseProxies) {
  describe(`forward-auth: the example for ${name}, with a real back end behind it`, () => {
    let deadlines: Deadlines
    let redis: TestRedis
    let service: TestService
    let backend: TestApp
    let proxy: ReverseProxy

    before(async () => {
      deadlines = holdDeadlines()
      redis = await startRedis()
      service = await startService({
        REDIS_URL: redis.url,
        STORE_TIMEOUT_MS: String(heldDeadlineMs),
        MAX_STALENESS_MS: '100',
        CLIENTS: clientsVariable,
      })
      backend = await serveApp((request, response) =>
        response.end(JSON.stringify({ path: request.url, headers: request.rawHeaders })),
      )
      proxy = await startReverseProxy(name, { cierre: service.origin, api: backend.origin })
    })
    after(async () => {
      await proxy.stop()
      await backend.stop()
      await service.stop()
      await redis.stop()
      deadlines.restore()
    })

    const forged = {
      'x-auth-subject': 'mallory',
      'X-Auth-Issuer': 'mallory',
      'x-auth-session': 'mallory',
      'x-auth-scope': 'mallory',
      'x-auth-claims': 'mallory',
      'x-auth-as-of': 'mallory',
      x_auth_subject: 'mallory',
      X_Auth_Issuer: 'mallory',
      X_AUTH_SESSION: 'mallory',
      x_auth_scope: 'mallory',
      'x-auth_subject': 'mallory',
    }
    const ask = (jwt: string | undefined, headers: Record<string, string> = {}) =>
      send(proxy.origin, {
        method: 'POST',
        path: '/orders?x=1',
        headers: {
          ...headers,
          ...(jwt && { authorization: `Bearer ${jwt}` }),
          'content-type': 'application/json',
        },
        body: '{"a":1}',
      })

    it('200 before logout: the back end gets the X-Auth- fields of cierre, and none of the client', async () => {
      const jwt = await token({ sub: 'josé', scope: undefined })
      const answer = await ask(jwt, forged)
      expect(answer.status).to.equal(200)
      const { path, headers } = answer.json as { path: string; headers: string[] }
      expect(path).to.equal('/orders?x=1')
      expect(headers.join('\n')).not.to.include('mallory')
      const subject = headers.findIndex((header) => header.toLowerCase() === 'x-auth-subject')
      expect(headers[subject + 1]).to.equal('jos%C3%A9')
    })

    it('200: no Connection field takes the fields of cierre away', async () => {
      for (const named of [
        'X-Auth-Subject',
        'close, X-Auth-Subject',
        'x-auth-session, keep-alive',
      ]) {
        const answer = await ask(await token({ sub: 'carol', sid: 'laptop' }), {
          connection: named,
        })
        expect(answer.status, named).to.equal(200)
        const { headers } = answer.json as { headers: string[] }
        expect(headers, named).to.include('carol').and.include('laptop')
      }
    })

    it('preflight requests reach the API without a token, and without fields of the client; no other OPTIONS does', async () => {
      const preflight = {
        origin: 'https://app.example.com',
        'access-control-request-method': 'PUT',
      }
      const options = (headers: Record<string, string>) =>
        send(proxy.origin, { method: 'OPTIONS', path: '/orders', headers })
      const answer = await options({ ...forged, ...preflight })
      expect(answer.status).to.equal(200)
      expect((answer.json as { headers: string[] }).headers.join('\n')).not.to.include('mallory')
      for (const name of Object.keys(preflight)) {
        const { [name as keyof typeof preflight]: _, ...rest } = preflight
        expect((await options(rest)).status, `without ${name}`).to.equal(401)
      }
      expect((await send(proxy.origin, { headers: preflight })).status, 'GET').to.equal(401)
    })

    it('a WebSocket passes with a token, and is refused without one', async () => {
      const api = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      await once(api, 'listening')
      api.on('connection', (socket, { headers }) => socket.send(headers['x-auth-subject'] ?? ''))
      const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
      const own = await startReverseProxy(name, { cierre: service.origin, api: origin })
      const firstMessage = (headers: Record<string, string>) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(own.origin.replace('http', 'ws'), { headers })
          socket.on('error', ({ message }) => resolve(message))
          socket.on('message', (data: Buffer) => {
            resolve(data.toString())
            socket.close()
          })
        })
      try {
        const authorization = `Bearer ${await token({ sub: 'dave' })}`
        expect(await firstMessage({ authorization })).to.equal('dave')
        expect(await firstMessage({})).to.match(/401/)
      } finally {
        await own.stop()
        api.clients.forEach((socket) => socket.terminate())
        api.close()
      }
    })

    it('200 with long claims and many cookies', async () => {
      const answer = await ask(await token({ scope: 's '.repeat(1_500) }), {
        cookie: 'c=1; '.repeat(900),
      })
      expect(answer.status).to.equal(200)
    })

    it('401 after logout, with the challenge', async () => {
      const jwt = await token()
      expect((await ask(jwt)).status).to.equal(200)
      expect((await service.logout(jwt)).status).to.equal(200)
      const answer = await ask(jwt, forged)
      expect(answer.status).to.equal(401)
      expect(answer.headers['www-authenticate']).to.match(
        /^Bearer realm="cierre", error="invalid_token"/,
      )
      expect((await ask(undefined)).headers['www-authenticate']).to.equal('Bearer realm="cierre"')
      const expired = await ask(await token({ exp: nowS(-5) }))
      expect(expired.status).to.equal(401)
      expect(expired.headers['www-authenticate']).to.equal(
        'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
      )
    })

    const withCookie = (jwt: string, method: string, headers: Record<string, string> = {}) =>
      send(proxy.origin, {
        method,
        headers: { cookie: `theme=dark; __Host-token=${jwt}; a=b`, ...headers },
      })
    const own = { origin: 'https://app.example.com' }

    it('200 with the token in a cookie, for reads and for requests of the own pages: the API gets the bearer', async () => {
      const jwt = await token()
      for (const [method, headers] of [
        ['GET', {}],
        ['GET', own],
        ['POST', own],
        ['DELETE', own],
        ['GET', { ...own, upgrade: 'websocket' }],
      ] as const) {
        const answer = await withCookie(jwt, method, headers)
        expect(answer.status, `${method} ${JSON.stringify(headers)}`).to.equal(200)
        const received = (answer.json as { headers: string[] }).headers
        expect(received).to.include(`Bearer ${jwt}`)
      }
    })

    it('401 with the token in a cookie, for requests that another site may have made', async () => {
      const jwt = await token()
      for (const [method, headers] of [
        ['POST', {}],
        ['DELETE', {}],
        ['POST', { origin: 'https://evil.example.com' }],
        ['POST', { origin: 'https://app.example.com.evil.example.com' }],
        ['POST', { origin: 'null' }],
        ['GET', { origin: 'https://evil.example.com' }],
        ['GET', { upgrade: 'websocket' }],
        ['GET', { upgrade: 'websocket', origin: 'https://evil.example.com' }],
        ['GET', { authorization: 'Bearer nonsense' }],
      ] as const) {
        const answer = await withCookie(jwt, method, headers)
        expect(answer.status, `${method} ${JSON.stringify(headers)}`).to.equal(401)
        expect(answer.headers['www-authenticate']).to.match(/^Bearer realm="cierre"/)
      }
    })

    it('401 (or 400), never 200, with two Authorization lines', async () => {
      const valid = `Bearer ${await token()}`
      for (const two of [
        [valid, 'Bearer nonsense'],
        ['Bearer nonsense', valid],
      ]) {
        const lines = two.flatMap((line) => ['Authorization', line])
        const headers = ['Host', new URL(proxy.origin).host, ...lines]
        expect((await send(proxy.origin, { headers })).status).to.be.within(400, 401)
      }
    })

    it('an agent in the place of the service: 200, 401 after logout, 503 once the agent is gone', async () => {
      const agent = await startAgent(service.origin)
      const own = await startReverseProxy(name, { cierre: agent.origin, api: backend.origin })
      const statusOf = async (jwt: string) =>
        (await send(own.origin, { headers: { authorization: `Bearer ${jwt}` } })).status
      try {
        const [jwt, other] = [await token({ sub: 'alice' }), await token()]
        expect(await statusOf(jwt)).to.equal(200)
        expect((await service.logout(jwt)).status).to.equal(200)
        await until('the agent knows', async () => (await statusOf(jwt)) === 401)
        await agent.stop()
        expect(await statusOf(other)).to.equal(503)
      } finally {
        await agent.stop()
        await own.stop()
      }
    })

    it('503 while the store is down', async () => {
      const jwt = await token()
      redis.pause()
      // Until then the service answers from memory.
      await until(
        'nothing is proved',
        async () => (await deadlines.during(ask(jwt))).value.status !== 200,
      )
      const { value: answer } = await deadlines.during(ask(jwt))
      redis.resume()
      expect([answer.status, answer.json]).to.deep.equal([
        503,
        { success: false, message: 'Servicio no disponible temporalmente' },
      ])
      expect(answer.headers['retry-after']).to.equal('1')
      await until('it goes through again', async () => (await ask(jwt)).status === 200)
    })
  })
}
