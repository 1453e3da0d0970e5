import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect } from 'chai'
import { createGuard, guardRequest, type Guard } from 'cierre/guard'
import { createClient } from 'graphql-ws'
import { io as connect } from 'socket.io-client'
import { WebSocket } from 'ws'
import * as guardEventStream from '../../scripts/examples/guard-event-stream.js'
import * as guardGraphqlWs from '../../scripts/examples/guard-graphql-ws.js'
import * as guardMcp from '../../scripts/examples/guard-mcp.js'
import * as guardSocketIo from '../../scripts/examples/guard-socket-io.js'
import * as guardWebSocket from '../../scripts/examples/guard-websocket.js'
import { clientsVariable, secretOf } from '../support/clients.js'
import { send } from '../support/http.js'
import { createStandingClock } from '../support/live.js'
import { until } from '../support/processes.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

const issuers = [{ issuer: 'https://issuer.test', secret: hmacSecret }]
const resourceMetadata = 'https://api.test/.well-known/oauth-protected-resource'
const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })

describe('the examples for live connections, against the built package', () => {
  let service: TestService
  let guard: Guard
  const servers: Server[] = []
  const guards: Guard[] = []
  const open = async (url: string, options: object = {}) => {
    const opened = createGuard({
      issuers,
      feed: { url, clientId: 'all', clientSecret: secretOf('all') },
      ...options,
    })
    guards.push(opened)
    await opened.ready()
    return opened
  }
  const listen = async (server: Server) => {
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const nothingIsWatched = () => until('nothing is watched', () => guard.stats().watched === 0)

  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = await open(service.origin)
  })
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    for (const opened of guards) await opened.close()
    await service.stop()
  })

  it('guard-websocket.ts: closes a connection when its token is logged out, refuses the next, and takes a fresh token', async () => {
    const origin = (await listen(guardWebSocket.createApi(guard))).replace('http', 'ws')
    const [first, fresh] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const next = async (live: WebSocket) => {
      const [message] = (await once(live, 'message')) as [Buffer]
      return message.toString()
    }
    // As a browser sends it.
    const live = new WebSocket(origin, ['bearer', first])
    expect([await next(live), live.protocol]).to.deep.equal(['welcome alice', 'bearer'])
    live.send(await token({ sub: 'bob' }))
    expect(await next(live)).to.equal('not renewed')
    live.send(fresh)
    expect(await next(live)).to.equal('renewed')
    const closed = once(live, 'close')
    expect((await service.logout(fresh)).status).to.equal(200)
    const [code, reason] = (await closed) as [number, Buffer]
    expect([code, reason.toString()]).to.deep.equal([4401, 'token_revoked'])
    const [refused] = (await once(new WebSocket(origin, { headers: bearer(fresh) }), 'error')) as [
      Error,
    ]
    expect(refused.message).to.include('401')
    await nothingIsWatched()
  })

  it('guard-socket-io.ts: disconnects a client when its token is logged out, and refuses the next', async () => {
    const { server, io } = guardSocketIo.createApi(guard)
    const origin = await listen(server)
    const jwt = await token({ sub: 'alice' })
    const client = connect(origin, { auth: { token: jwt }, forceNew: true })
    try {
      expect(await new Promise((resolve) => client.once('welcome', resolve))).to.equal('alice')
      const ended = new Promise((resolve) => client.once('disconnect', resolve))
      expect((await service.logout(jwt)).status).to.equal(200)
      expect(await ended).to.equal('io server disconnect')
      const refused = new Promise<Error>((resolve) => client.once('connect_error', resolve))
      client.connect()
      expect(await refused).to.deep.include({ data: { status: 401, error: 'invalid_token' } })
    } finally {
      client.disconnect()
      await io.close()
    }
  })

  it('guard-graphql-ws.ts: closes a subscription when its token is logged out, and refuses the next', async () => {
    const url = `${(await listen(guardGraphqlWs.createApi(guard))).replace('http', 'ws')}/graphql`
    const jwt = await token({ sub: 'alice' })
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      connectionParams: bearer(jwt),
      retryAttempts: 0,
    })
    const closed = () =>
      new Promise<number>((resolve) =>
        client.on('closed', (event) => resolve((event as { code: number }).code)),
      )
    const subscribe = () =>
      new Promise<unknown>((resolve) =>
        client.subscribe(
          { query: 'subscription { welcome }' },
          { next: ({ data }) => resolve(data?.['welcome']), error: resolve, complete: () => {} },
        ),
      )
    const first = closed()
    expect(await subscribe()).to.equal('welcome alice')
    expect((await service.logout(jwt)).status).to.equal(200)
    expect(await first).to.equal(4401)
    expect(await subscribe()).to.include({ code: 4401 })
    await client.dispose()
  })

  /** An event stream that has begun, and the promise of its end. */
  const stream = async (origin: string, jwt: string) => {
    const sent = httpRequest(origin, { headers: bearer(jwt), agent: false }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const [first] = (await once(response, 'data')) as [Buffer]
    // The connection is cut, so that a client cannot take the end for a complete answer.
    const ended = new Promise<void>((resolve) => response.once('close', resolve))
    response.on('error', () => undefined)
    return { text: first.toString(), status: response.statusCode, ended }
  }
  const streams: Record<string, (guard: Guard) => Server> = {
    'guard-event-stream.ts': (own) => createServer(guardEventStream.createApi(own)),
    'its endWithToken, in plain node:http': (own) =>
      createServer((request, response) => {
        const answer = async () => {
          const claims = await guardRequest(own, request, response)
          if (claims === undefined) return
          guardEventStream.endWithToken(own, claims, response)
          response.writeHead(200, { 'Content-Type': 'text/event-stream' })
          response.write(`data: welcome ${claims.sub}\n\n`)
        }
        answer().catch((error: Error) => response.destroy(error))
      }),
  }
  for (const [name, createApi] of Object.entries(streams)) {
    it(`${name}: ends a stream when its token is logged out or expires, and refuses the next`, async () => {
      const origin = await listen(createApi(guard))
      const jwt = await token({ sub: 'alice' })
      const { text, ended } = await stream(origin, jwt)
      expect(text).to.equal('data: welcome alice\n\n')
      expect((await service.logout(jwt)).status).to.equal(200)
      await ended
      const again = await send(origin, { headers: bearer(jwt) })
      expect([again.status, again.json]).to.deep.equal([401, { error: 'invalid_token' }])
      await nothingIsWatched()

      const clock = createStandingClock()
      const own = await listen(createApi(await open(service.origin, { clock })))
      const expiring = await stream(own, await token({ exp: clock.nowS(2) }))
      clock.forward(3_000)
      await expiring.ended
    })

    it(`${name}: ends a stream when the guard cannot tell, and then answers 503`, async () => {
      const source = await startService({ CLIENTS: clientsVariable })
      try {
        const own = await open(source.origin, { maxStalenessMs: 500 })
        const origin = await listen(createApi(own))
        const jwt = await token()
        const { ended } = await stream(origin, jwt)
        await source.stop()
        await ended
        expect((await send(origin, { headers: bearer(jwt) })).status).to.equal(503)
      } finally {
        await source.stop()
      }
    })
  }

  /** A client of the SDK whose event stream is open. `errors` are what it reports. */
  const connectMcp = async (own: Guard, jwt: string) => {
    const errors: string[] = []
    const server = createServer(guardMcp.createApi(own, resourceMetadata))
    const streams: ServerResponse[] = []
    server.on('request', ({ method }, response) => {
      if (method === 'GET') streams.push(response)
    })
    const origin = await listen(server)
    const client = new Client({ name: 'test', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(new URL('/mcp', origin), {
      requestInit: { headers: bearer(jwt) },
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1,
        maxReconnectionDelay: 1,
        reconnectionDelayGrowFactor: 1,
      },
    })
    client.onerror = ({ message }) => errors.push(message)
    await client.connect(transport)
    await until('its stream is open', () => streams[0]?.headersSent === true)
    return { client, transport, errors, origin, stream: streams[0]! }
  }

  it('guard-mcp.ts: a session works, its stream ends when the token is logged out, and the next call is 401', async () => {
    const jwt = await token({ sub: 'alice' })
    const { client, transport, errors, origin, stream: own } = await connectMcp(guard, jwt)
    expect((await client.callTool({ name: 'whoami' })).content).to.deep.equal([
      { type: 'text', text: 'alice' },
    ])
    expect(own.destroyed).to.equal(false)
    const foreign = await send(origin, {
      method: 'POST',
      path: '/mcp',
      headers: {
        ...bearer(await token({ sub: 'bob' })),
        'mcp-session-id': transport.sessionId ?? '',
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list' }),
    })
    expect(foreign.status, 'the session of another subject').to.equal(404)

    expect((await service.logout(jwt)).status).to.equal(200)
    await until('its stream has ended', () => own.destroyed)
    await until('the client knows', () => errors.some((text) => text.includes('disconnected')))
    const refused: unknown = await client
      .callTool({ name: 'whoami' })
      .catch((error: unknown) => error)
    expect(refused).to.include({ code: 401 })
    const none = await send(origin, { method: 'POST', path: '/mcp' })
    expect([none.status, none.headers['www-authenticate']]).to.deep.equal([
      401,
      `Bearer realm="cierre", resource_metadata="${resourceMetadata}"`,
    ])
    await nothingIsWatched()
    await client.close()
  })

  it('guard-mcp.ts: ends a stream when the token expires or the guard cannot tell, which is 503 then', async () => {
    const clock = createStandingClock()
    const source = await startService({ CLIENTS: clientsVariable })
    try {
      const expiring = await open(service.origin, { clock })
      const stale = await open(source.origin, { maxStalenessMs: 500 })
      const one = await connectMcp(expiring, await token({ exp: clock.nowS(2) }))
      const other = await connectMcp(stale, await token())
      clock.forward(3_000)
      await source.stop()
      for (const { stream: own } of [one, other])
        await until('its stream has ended', () => own.destroyed)
      for (const [{ client }, code] of [
        [one, 401],
        [other, 503],
      ] as const) {
        const refused: unknown = await client
          .callTool({ name: 'whoami' })
          .catch((error: unknown) => error)
        expect(refused).to.include({ code })
        await client.close()
      }
    } finally {
      await source.stop()
    }
  })
})
