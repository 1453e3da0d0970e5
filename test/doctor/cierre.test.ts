import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createGuard, type Guard } from 'cierre/guard'
import { createApp } from '../../scripts/examples/express-embedded.js'
import * as guardEventStream from '../../scripts/examples/guard-event-stream.js'
import * as guardExpress from '../../scripts/examples/guard-express.js'
import * as guardWebSocket from '../../scripts/examples/guard-websocket.js'
import * as refreshRoute from '../../scripts/examples/refresh-route.js'
import type { Report } from '../../src/doctor/run.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { examineTarget, namesOf, storeCommands } from '../support/doctor.js'
import { plant } from '../support/leaks.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret } from '../support/tokens.js'

const pageOrigin = 'https://app.example.com'
/** Of the store: longer than any pause of a busy machine, and shorter than the doctor waits. */
const storeTimeoutMs = 5_000

const alarms = ({ results }: Report) =>
  results.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown')

describe('the doctor on cierre', function () {
  this.timeout(300_000)
  let redis: TestRedis
  let commands: Awaited<ReturnType<typeof storeCommands>>
  const servers: Server[] = []
  const listen = async (server: Server) => {
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const serve = (app: unknown) => listen(createServer(app as RequestListener))
  beforeEach(async () => {
    redis = await startRedis()
    commands = await storeCommands(redis)
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
    commands.close()
    await redis.stop()
  })

  describe('the service, with a guard in the API', () => {
    let service: TestService
    let guard: Guard
    beforeEach(async () => {
      service = await startService({
        REDIS_URL: redis.url,
        STORE_TIMEOUT_MS: String(storeTimeoutMs),
        CLIENTS: clientsVariable,
        CORS_ORIGINS: pageOrigin,
      })
      guard = createGuard({
        issuers: [{ issuer: 'https://issuer.test', secret: hmacSecret }],
        feed: { url: service.origin, clientId: 'all', clientSecret: secretOf('all') },
      })
      await guard.ready()
    })
    afterEach(async () => {
      await guard.close()
      await service.stop()
    })

    for (const kind of ['an event stream', 'a WebSocket'] as const)
      it(`nothing got in, every probe was tried, with ${kind}`, async () => {
        const issuer = await serve(refreshRoute.createIssuer(guard, hmacSecret))
        const stream = await serve(guardEventStream.createApi(guard))
        const socket = await listen(guardWebSocket.createApi(guard))
        const report = await examineTarget({
          login: { url: `${issuer}/login`, body: { user: 'alice' } },
          otherLogin: { url: `${issuer}/login`, body: { user: 'bob' } },
          logout: `${service.origin}/api/v1/auth/logout`,
          protected: [
            await serve(guardExpress.createApi(guard)),
            `${service.origin}/api/v1/auth/verify`,
          ],
          refresh: { url: `${issuer}/refresh`, body: { refresh: '{refreshToken}' } },
          connection: kind === 'a WebSocket' ? socket.replace('http', 'ws') : stream,
          sign: { secret: hmacSecret },
          origin: pageOrigin,
          store: commands.store,
        })
        expect(alarms(report)).to.deep.equal([])
        expect(namesOf(report, 'not_tried')).to.deep.equal([])
      })
  })

  it('cierre inside two processes of an app: nothing got in', async () => {
    const secret = plant(randomBytes(32).toString('base64url'))
    const apps = [createApp(secret, redis.url), createApp(secret, redis.url)]
    try {
      const origins: string[] = []
      for (const { app, cierre } of apps) {
        await cierre.ready()
        origins.push(await serve(app))
      }
      const report = await examineTarget({
        login: `${origins[0]}/login`,
        logout: `${origins[0]}/api/v1/auth/logout`,
        protected: origins.map((origin) => `${origin}/me`),
        sign: { secret },
        store: commands.store,
      })
      expect(alarms(report)).to.deep.equal([])
      // The tokens of that login name no session, and there is no refresh and no live connection.
      expect(namesOf(report, 'not_tried')).to.deep.equal([
        'a sibling token of the login',
        'a token refreshed after the logout',
        'an open connection',
      ])
    } finally {
      for (const { cierre } of apps) await cierre.close()
    }
  })
})
