import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws'
import type { Guard } from '../../../src/guard.js'
import {
  fromCookie,
  fromHeader,
  fromProtocol,
  wsGuard,
  type WsGuardOptions,
} from '../../../src/guard/adapters/ws.js'
import { clientsVariable } from '../../support/clients.js'
import { sendRaw } from '../../support/http.js'
import { createLiveParts, createStandingClock } from '../../support/live.js'
import { until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { nowS, token } from '../../support/tokens.js'

const app = 'https://app.test'

/** The handshake as bytes, with more header lines. */
const handshake = (...lines: string[]) =>
  [
    'GET /live HTTP/1.1',
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...lines,
    '',
    '',
  ].join('\r\n')

describe('cierre/guard/ws', () => {
  let service: TestService
  let guard: Guard
  const parts = createLiveParts()
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = await parts.open(service.origin)
  })
  afterEach(() => until('nothing is watched', () => guard.stats().watched === 0))
  after(async () => {
    await parts.close()
    await service.stop()
  })

  /** A server that greets each connection, and what reached it. */
  const serve = async (own: Guard, options?: WsGuardOptions, serverOptions: ServerOptions = {}) => {
    const wss = new WebSocketServer({ noServer: true, ...serverOptions })
    const received: string[] = []
    const errors: string[] = []
    const requests: IncomingMessage[] = []
    wss.on('connection', (live, request) => {
      requests.push(request)
      live.on('error', (error) => errors.push(error.message))
      live.on('message', (data: Buffer) => received.push(data.toString()))
      live.send(`welcome ${request.claims?.sub}`)
    })
    const server = createServer()
    server.on('upgrade', wsGuard(own, wss, options))
    const origin = await parts.listen(server)
    return { wss, origin, url: origin.replace('http', 'ws'), received, errors, requests, server }
  }
  const bearer = (jwt: string) => ({ headers: { authorization: `Bearer ${jwt}` } })
  /** A connection that has been greeted, and how it is closed. */
  const welcomed = async (live: WebSocket) => {
    const closed = once(live, 'close').then(
      ([code, reason]) => `${code as number} ${(reason as Buffer).toString()}`,
    )
    const [message] = (await once(live, 'message')) as [Buffer]
    return { live, message: message.toString(), closed }
  }
  const refused = async (live: WebSocket) => {
    const [, response] = (await once(live, 'unexpected-response')) as [unknown, IncomingMessage]
    response.resume()
    return response
  }
  const statusOf = async (live: WebSocket) => (await refused(live)).statusCode

  it('opens with the claims; 4401 token_revoked once logged out, and the next one is 401', async () => {
    const { url } = await serve(guard)
    const jwt = await token({ sub: 'alice' })
    const { message, closed } = await welcomed(new WebSocket(url, bearer(jwt)))
    expect(message).to.equal('welcome alice')
    expect(guard.stats().watched).to.equal(1)
    expect((await service.logout(jwt)).status).to.equal(200)
    expect(await closed).to.equal('4401 token_revoked')
    expect(await statusOf(new WebSocket(url, bearer(jwt)))).to.equal(401)
    expect(guard.stats().watched).to.equal(0)
  })

  it('a connection that the client closes is not watched any more', async () => {
    const { url } = await serve(guard)
    const { live, closed } = await welcomed(new WebSocket(url, bearer(await token())))
    live.close()
    await closed
    await until('it is not watched', () => guard.stats().watched === 0)
  })

  it('4401 token_expired when the token expires', async () => {
    const clock = createStandingClock()
    const own = await parts.open(service.origin, { clock })
    const { url } = await serve(own)
    const jwt = await token({ exp: clock.nowS(2) })
    const { closed } = await welcomed(new WebSocket(url, bearer(jwt)))
    clock.forward(3_000)
    expect(await closed).to.equal('4401 token_expired')
    expect(await statusOf(new WebSocket(url, bearer(jwt)))).to.equal(401)
  })

  it('1013 when the guard is stale, and 503 from then on, even if onUnknown lets the token pass', async () => {
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => 'active',
    })
    const { url, origin, wss } = await serve(own)
    const kept = await serve(own, { onStale: 'keep' })
    const jwt = await token({ sub: 'alice' })
    const closing = await Promise.all([
      welcomed(new WebSocket(url, bearer(jwt))),
      welcomed(new WebSocket(url, bearer(jwt))),
    ])
    const keeping = await welcomed(new WebSocket(kept.url, bearer(jwt)))
    await source.stop()
    for (const { closed } of closing) expect(await closed).to.equal('1013 temporarily_unavailable')
    await until('the server has closed them', () => wss.clients.size === 0)
    expect(keeping.live.readyState).to.equal(WebSocket.OPEN)
    const answer = await sendRaw(origin, handshake(`Authorization: Bearer ${jwt}`))
    expect([answer.status, answer.headers['retry-after'], answer.json]).to.deep.equal([
      503,
      '1',
      { error: 'temporarily_unavailable' },
    ])
    const another = await welcomed(new WebSocket(kept.url, bearer(jwt)))
    expect(another.message).to.equal('welcome alice')
    for (const { live } of [keeping, another]) live.close()
  })

  it('a refusal is an answer in HTTP, complete and then closed', async () => {
    const { origin } = await serve(guard, {
      scopes: ['chat'],
      challenge: { realm: 'api', resourceMetadata: 'https://api.test/.well-known/x' },
    })
    const none = await sendRaw(origin, handshake())
    expect(none.status).to.equal(401)
    expect(none.headers).to.include({
      'www-authenticate': 'Bearer realm="api", resource_metadata="https://api.test/.well-known/x"',
      connection: 'close',
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'content-length': '25',
    })
    expect(none.text).to.equal('{"error":"invalid_token"}')
    const good = await token()
    for (const [name, lines, status] of [
      ['malformed', ['Authorization: Bearer x'], 401],
      ['expired', [`Authorization: Bearer ${await token({ exp: nowS(-5) })}`], 401],
      ['two lines', [`Authorization: Bearer ${good}`, `authorization: Bearer ${good}`], 401],
      ['without the scope', [`Authorization: Bearer ${good}`], 403],
    ] as const) {
      // A client may send frames before it has its answer.
      const answer = await sendRaw(origin, `${handshake(...lines)}${'x'.repeat(100_000)}`)
      expect([answer.status, answer.headers['connection']], name).to.deep.equal([status, 'close'])
    }
    const { url } = await serve(guard, { scopes: ['chat'] })
    for (const claims of [{ scope: 'a chat' }, { scope: ['a', 'chat'] }, { scp: ['chat'] }]) {
      const { live } = await welcomed(new WebSocket(url, bearer(await token(claims))))
      live.close()
    }
  })

  it('a client that is refused and does not close its end keeps no connection', async () => {
    const { origin, server } = await serve(guard)
    const { hostname, port } = new URL(origin)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    socket.write(handshake())
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 401 /)
    await until('the server has closed it', async () => (await connectionsOf(server)) === 0)
    socket.destroy()
  })

  it('the service’s words in Spanish, and an answer of the app’s own', async () => {
    const spanish = await serve(guard, { language: 'es' })
    expect((await sendRaw(spanish.origin, handshake())).json).to.deep.equal({
      success: false,
      message: 'Token no proporcionado o inválido',
    })
    const own = await serve(guard, {
      onRefused: (error, request, socket) =>
        void socket.end(`HTTP/1.1 ${error.status} No\r\nX-Path: ${request.url}\r\n\r\n`),
    })
    const answer = await sendRaw(own.origin, handshake())
    expect([answer.status, answer.headers['x-path']]).to.deep.equal([401, '/live'])
  })

  it('optional: a connection without a token has no claims, and a bad token is refused', async () => {
    const { url, requests } = await serve(guard, { optional: true })
    const { live, message } = await welcomed(new WebSocket(url))
    expect([message, requests[0]?.claims, guard.stats().watched]).to.deep.equal([
      'welcome undefined',
      undefined,
      0,
    ])
    live.close()
    expect(await statusOf(new WebSocket(url, bearer('x')))).to.equal(401)
  })

  it('a token from a cookie demands origins: a TypeError without, and 403 for any other page', async () => {
    const wss = new WebSocketServer({ noServer: true })
    const make = (options: WsGuardOptions) => () => wsGuard(guard, wss, options)
    expect(make({ getToken: fromCookie('token') })).to.throw(TypeError, /wsGuard: origins/)
    for (const origins of [[], ['*'], ['null'], ['https://app.test/'], 'https://app.test'])
      expect(make({ origins: origins as string[] })).to.throw(TypeError, /wsGuard: origins/)
    const cookie = `token=${await token({ sub: 'alice' })}`
    const { url, origin } = await serve(guard, { getToken: fromCookie('token'), origins: [app] })
    const open = (headers: Record<string, string>) => new WebSocket(url, { headers })
    const { live, message } = await welcomed(open({ cookie, origin: app }))
    expect(message).to.equal('welcome alice')
    live.close()
    for (const other of ['https://evil.test', 'http://app.test', 'https://app.test:444', 'null'])
      expect(await statusOf(open({ cookie, origin: other })), other).to.equal(403)
    expect(await statusOf(open({ cookie })), 'no Origin').to.equal(403)
    const twice = await sendRaw(
      origin,
      handshake(`Cookie: ${cookie}`, `Origin: ${app}`, 'Origin: https://evil.test'),
    )
    expect([twice.status, twice.json, twice.headers['www-authenticate']]).to.deep.equal([
      403,
      { error: 'origin_not_allowed' },
      undefined,
    ])
    // A second cookie of that name may have been set by another host of the domain.
    expect(await statusOf(open({ cookie: `${cookie}; ${cookie}`, origin: app }))).to.equal(401)
  })

  it('a source that tries a cookie, too: a token from there needs a page that is allowed, one from the header does not', async () => {
    const either = (request: IncomingMessage) =>
      fromHeader()(request) ?? fromCookie('token')(request)
    const jwt = await token()
    const headers = { cookie: `token=${jwt}` }
    const without = await serve(guard, { getToken: either })
    expect(await statusOf(new WebSocket(without.url, { headers }))).to.equal(403)
    const { url } = await serve(guard, { getToken: either, origins: [app] })
    expect(await statusOf(new WebSocket(url, { headers }))).to.equal(403)
    for (const good of [bearer(jwt), { headers: { ...headers, origin: app } }])
      (await welcomed(new WebSocket(url, good))).live.close()
  })

  it('fromProtocol: the token is never the protocol that is selected', async () => {
    const jwt = await token({ sub: 'alice' })
    const options = { getToken: fromProtocol('bearer') }
    const plain = await serve(guard, options)
    const seen: string[][] = []
    const choosing = await serve(guard, options, {
      handleProtocols(protocols) {
        seen.push([...protocols])
        return [...protocols].at(-1) ?? false
      },
    })
    for (const [server, offered, selected] of [
      [plain, ['bearer', jwt], 'bearer'],
      [plain, ['chat', 'bearer', jwt], 'chat'],
      [choosing, ['bearer', jwt, 'chat'], 'chat'],
      [choosing, ['chat', 'bearer', jwt], 'bearer'],
    ] as const) {
      const { live, message } = await welcomed(new WebSocket(server.url, [...offered]))
      expect([message, live.protocol]).to.deep.equal(['welcome alice', selected])
      live.close()
    }
    expect(seen).to.deep.equal([
      ['bearer', 'chat'],
      ['chat', 'bearer'],
    ])
    for (const offered of [['bearer'], ['chat'], [jwt, 'bearer']])
      expect(await statusOf(new WebSocket(plain.url, offered)), offered[0]).to.equal(401)

    const alone = await serve(guard, {
      getToken: ({ headers }) => headers['sec-websocket-protocol'],
    })
    const { hostname, port } = new URL(alone.origin)
    const socket = connect(Number(port), hostname)
    socket.write(handshake(`Sec-WebSocket-Protocol: ${jwt}`))
    const [head] = (await once(socket, 'data')) as [Buffer]
    expect(head.toString())
      .to.match(/^HTTP\/1\.1 101 /)
      .and.not.to.include(jwt.slice(0, 20))
    expect(head.toString().toLowerCase()).not.to.include('sec-websocket-protocol')
    socket.destroy()
  })

  it('guard.renew: a connection outlives its first token, and ends with the fresh one', async () => {
    const { url, requests } = await serve(guard)
    const [first, fresh] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const one = await welcomed(new WebSocket(url, bearer(first)))
    const other = await welcomed(new WebSocket(url, bearer(first)))
    const claims = await guard.renew(requests[0]!.watch!, fresh)
    expect(claims.sub).to.equal('alice')
    await service.logout(first)
    expect(await other.closed).to.equal('4401 token_revoked')
    expect(one.live.readyState).to.equal(WebSocket.OPEN)
    await service.logout(fresh)
    expect(await one.closed).to.equal('4401 token_revoked')
  })

  it('after the end of the token no message reaches the app, even if the client does not close', async () => {
    const { origin, received, wss } = await serve(guard)
    const jwt = await token()
    const { hostname, port } = new URL(origin)
    const socket = connect(Number(port), hostname)
    const answers: Buffer[] = []
    socket.on('data', (chunk: Buffer) => answers.push(chunk))
    const seen = () => Buffer.concat(answers).toString('latin1')
    /** A masked text frame; the mask is zero. */
    const frame = (text: string) =>
      Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
    socket.write(handshake(`Authorization: Bearer ${jwt}`))
    await until('it is greeted', () => seen().includes('welcome'))
    socket.write(frame('before'))
    await until('a message arrives', () => received.length === 1)
    await service.logout(jwt)
    await until('the close frame has come', () => seen().includes('token_revoked'))
    socket.write(frame('after'))
    // A close frame is read after the message, so its effect shows that the message was read.
    socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]))
    await until('the connection has ended', () => wss.clients.size === 0)
    expect(received).to.deep.equal(['before'])
    socket.destroy()
  })

  /** A guard that waits for the test in each check: it is stale, and asks `onUnknown`. */
  const openWaiting = async () => {
    const waiting: (() => void)[] = []
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => new Promise((resolve) => waiting.push(() => resolve('active'))),
    })
    await source.stop()
    await until('it is stale', () => !own.stats().fresh)
    return { own, waiting }
  }

  it('a socket that breaks or ends during the check is released, and is not watched', async () => {
    const { own, waiting } = await openWaiting()
    const { origin, wss, requests, server } = await serve(own, { onStale: 'keep' })
    const { hostname, port } = new URL(origin)
    const jwt = await token()
    for (const leave of ['resetAndDestroy', 'destroy', 'end'] as const) {
      const socket = connect(Number(port), hostname)
      socket.write(handshake(`Authorization: Bearer ${jwt}`))
      await until('it is checked', () => waiting.length === 1)
      socket[leave]()
      if (leave === 'resetAndDestroy')
        await until('the server knows', async () => (await connectionsOf(server)) === 0)
      waiting.shift()?.()
      await until(`${leave}: it is released`, async () => (await connectionsOf(server)) === 0)
      await until(`${leave}: no connection is left`, () => wss.clients.size === 0)
      await until(`${leave}: it is not watched`, () => own.stats().watched === 0)
      socket.destroy()
    }
    expect(requests.length).to.be.at.most(2)
  })

  it('two upgrades of one socket: the second one throws, and the first one goes on', async () => {
    const wss = new WebSocketServer({ noServer: true })
    const listener = wsGuard(guard, wss)
    const server = createServer()
    let thrown: unknown
    server.on('upgrade', (request, socket, head) => {
      listener(request, socket, head)
      try {
        wsGuard(guard, wss)(request, socket, head)
      } catch (error) {
        thrown = error
      }
    })
    wss.on('connection', (live) => live.send('welcome'))
    const url = (await parts.listen(server)).replace('http', 'ws')
    const { live } = await welcomed(new WebSocket(url, bearer(await token())))
    expect(thrown).to.be.instanceOf(Error)
    live.close()
  })

  it('a request with another one behind it is one connection', async () => {
    const { origin, requests, errors } = await serve(guard)
    const jwt = await token()
    const request = handshake(`Authorization: Bearer ${jwt}`)
    const answer = await sendRaw(origin, request + request)
    // The second request is no frame: `ws` closes the connection that the first one opened.
    expect([answer.status, requests.length, errors]).to.deep.equal([
      101,
      1,
      ['Invalid WebSocket frame: RSV1 must be clear'],
    ])
    await until('it is not watched', () => guard.stats().watched === 0)
  })

  it('a path that the WebSocketServer does not have is its 400, and not watched', async () => {
    const { url } = await serve(guard, {}, { path: '/chat' })
    const good = bearer(await token())
    expect(await statusOf(new WebSocket(`${url}/other`, good))).to.equal(400)
    expect(guard.stats().watched).to.equal(0)
    ;(await welcomed(new WebSocket(`${url}/chat`, good))).live.close()
  })

  it('500 when getToken throws: a warning, and the server goes on', async () => {
    const warnings: string[] = []
    const listen = (warning: Error) => warnings.push(warning.message)
    process.on('warning', listen)
    try {
      const { url } = await serve(guard, {
        getToken: ({ url: target }) => {
          if (target !== '/good') throw new Error('the app’s own')
          return token()
        },
      })
      const response = await refused(new WebSocket(url))
      expect(response.statusCode).to.equal(500)
      ;(await welcomed(new WebSocket(`${url}/good`))).live.close()
      await until('it is reported', () => warnings.length > 0)
      expect(warnings).to.deep.equal(['the app’s own'])
    } finally {
      process.off('warning', listen)
    }
  })

  it('refuses a WebSocketServer that accepts connections by itself, and options that make no sense', () => {
    const server = createServer()
    expect(() => wsGuard(guard, new WebSocketServer({ server }))).to.throw(TypeError, 'noServer')
    const wss = new WebSocketServer({ noServer: true })
    const make = (options: object) => () => wsGuard(guard, wss, options)
    expect(make({ onStale: 'drop' })).to.throw(TypeError, 'wsGuard: onStale')
    expect(make({ onstale: 'keep' })).to.throw(TypeError, 'onstale')
  })
})

const connectionsOf = (server: {
  getConnections(callback: (error: Error | null, count: number) => void): unknown
}) =>
  new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
