import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'chai'
import { Server, type ServerOptions, type Socket as ServerSocket } from 'socket.io'
import { io as connect, type ManagerOptions, type SocketOptions } from 'socket.io-client'
import type { Claims, Guard, Watch } from '../../../src/guard.js'
import {
  fromCookie,
  socketIoGuard,
  type SocketIoGuardOptions,
  type SocketIoRefusal,
} from '../../../src/guard/adapters/socket-io.js'
import { clientsVariable } from '../../support/clients.js'
import { createLiveParts, createStandingClock } from '../../support/live.js'
import { until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { token } from '../../support/tokens.js'

type Data = { claims?: Claims; watch?: Watch }
type Events = { welcome: (subject: string | undefined) => void }
type TestSocket = ServerSocket<object, Events, object, Data>

describe('cierre/guard/socket-io', () => {
  let service: TestService
  let guard: Guard
  const parts = createLiveParts()
  const clients: ReturnType<typeof connect>[] = []
  const ios: Server[] = []
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = await parts.open(service.origin)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    for (const io of ios.splice(0)) await io.close()
    await until('nothing is watched', () => guard.stats().watched === 0)
  })
  after(async () => {
    await parts.close()
    await service.stop()
  })

  const serve = async (
    own: Guard,
    options?: SocketIoGuardOptions<TestSocket>,
    serverOptions: Partial<ServerOptions> = {},
  ) => {
    const server = createServer()
    const io = new Server<object, Events, object, Data>(server, serverOptions)
    io.use(socketIoGuard(own, options))
    const sockets: TestSocket[] = []
    io.on('connection', (socket) => {
      sockets.push(socket)
      socket.emit('welcome', socket.data.claims?.sub)
    })
    ios.push(io as Server)
    return { io, sockets, url: await parts.listen(server) }
  }
  const open = (url: string, options: Partial<ManagerOptions & SocketOptions> = {}) => {
    const client = connect(url, { forceNew: true, reconnectionDelay: 50, ...options })
    clients.push(client)
    return client
  }
  const welcomed = (client: ReturnType<typeof connect>) =>
    new Promise<string>((resolve, reject) => {
      client.once('welcome', resolve)
      client.once('connect_error', reject)
    })
  const disconnected = (client: ReturnType<typeof connect>) =>
    new Promise<string>((resolve) => client.once('disconnect', resolve))
  const refusal = (client: ReturnType<typeof connect>) =>
    new Promise<SocketIoRefusal>((resolve, reject) => {
      client.once('connect_error', (error) => resolve(error as SocketIoRefusal))
      client.once('connect', () => reject(new Error('it was accepted')))
    })

  for (const transport of ['websocket', 'polling']) {
    it(`${transport}: opens with the claims, is disconnected once logged out, and the next one is refused`, async () => {
      const { url, sockets } = await serve(guard)
      const jwt = await token({ sub: 'alice' })
      const options = { auth: { token: jwt }, transports: [transport] }
      const client = open(url, options)
      expect(await welcomed(client)).to.equal('alice')
      expect(guard.stats().watched).to.equal(1)
      expect(Object.keys(sockets[0]!.data)).to.deep.equal(['claims'])
      const ended = disconnected(client)
      expect((await service.logout(jwt)).status).to.equal(200)
      // The server has disconnected it: a client does not connect again by itself then.
      expect(await ended).to.equal('io server disconnect')
      const error = await refusal(open(url, options))
      expect([error.message, error.data]).to.deep.equal([
        'invalid_token',
        { status: 401, error: 'invalid_token' },
      ])
      expect(guard.stats().watched).to.equal(0)
    })
  }

  it('the token is auth.token, else the header; 401 without one and for anything else', async () => {
    const { url } = await serve(guard)
    const jwt = await token({ sub: 'alice' })
    const extraHeaders = { authorization: `Bearer ${jwt}` }
    for (const auth of [undefined, {}, { token: null }, { token: '' }])
      expect(await welcomed(open(url, { extraHeaders, ...(auth && { auth }) }))).to.equal('alice')
    for (const bad of ['x', 1, { authorization: `Bearer ${jwt}` }, [jwt]]) {
      const error = await refusal(open(url, { extraHeaders, auth: { token: bad } }))
      expect(error.data.status, JSON.stringify(bad)).to.equal(401)
    }
    expect((await refusal(open(url))).data).to.deep.equal({ status: 401, error: 'invalid_token' })
  })

  it('a WebTransport has no request: its token is auth.token alone', async () => {
    const server = createServer()
    const io = new Server(server)
    ios.push(io)
    io.use((socket, next) => {
      // As Socket.IO leaves it for a WebTransport.
      Object.defineProperty(socket, 'request', { value: null })
      next()
    })
    io.use(socketIoGuard(guard, { origins: ['https://app.test'] }))
    const url = await parts.listen(server)
    const client = open(url, { auth: { token: await token() } })
    await once(client as never, 'connect')
    const extraHeaders = { authorization: `Bearer ${await token()}` }
    expect((await refusal(open(url, { extraHeaders }))).data.status).to.equal(401)
  })

  it('is disconnected when the token expires', async () => {
    const clock = createStandingClock()
    const own = await parts.open(service.origin, { clock })
    const { url } = await serve(own)
    const client = open(url, { auth: { token: await token({ exp: clock.nowS(2) }) } })
    await welcomed(client)
    const ended = disconnected(client)
    clock.forward(3_000)
    expect(await ended).to.equal('io server disconnect')
  })

  it('stale: the connection is closed, the client comes back by itself, and is 503 until the guard can tell', async () => {
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => 'active',
    })
    const { url } = await serve(own)
    const kept = await serve(own, { onStale: 'keep' })
    const auth = { token: await token({ sub: 'alice' }) }
    const client = open(url, { auth })
    const keeping = open(kept.url, { auth })
    await Promise.all([welcomed(client), welcomed(keeping)])
    const ended = disconnected(client)
    const again = new Promise<SocketIoRefusal>((resolve) =>
      client.once('connect_error', (error) => resolve(error as SocketIoRefusal)),
    )
    await source.stop()
    expect(await ended).to.equal('transport close')
    expect((await again).data).to.deep.equal({ status: 503, error: 'temporarily_unavailable' })
    expect(keeping.connected).to.equal(true)
    expect(await welcomed(open(kept.url, { auth }))).to.equal('alice')
  })

  it('403 without the scope, Spanish words, and a refusal of the app’s own', async () => {
    const { url } = await serve(guard, { scopes: ['chat'], language: 'es' })
    const auth = { token: await token({ sub: 'alice' }) }
    const error = await refusal(open(url, { auth }))
    expect([error.message, error.data]).to.deep.equal([
      'Operación no permitida',
      { status: 403, error: 'insufficient_scope' },
    ])
    const own = await serve(guard, {
      onRefused: ({ status }, socket, next) =>
        next(Object.assign(new Error(socket.id), { data: { status, error: 'own' } })),
    })
    expect((await refusal(open(own.url))).data).to.deep.equal({ status: 401, error: 'own' })
    const optional = await serve(guard, { optional: true })
    expect(await welcomed(open(optional.url))).to.equal(null)
    expect(guard.stats().watched).to.equal(0)
  })

  it('a namespace has a guard of its own, and the end of its token closes them all', async () => {
    const { url, io } = await serve(guard)
    io.of('/chat').use(socketIoGuard(guard))
    const [first, second] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const main = open(url, { auth: { token: first } })
    await welcomed(main)
    expect((await refusal(main.io.socket('/chat', { auth: { token: 'x' } }))).data.status).to.equal(
      401,
    )
    const chat = open(`${url}/chat`, { forceNew: false, auth: { token: second } })
    await once(chat as never, 'connect')
    await until('both are watched', () => guard.stats().watched === 2)
    chat.disconnect()
    await until('one is not any more', () => guard.stats().watched === 1)
    chat.connect()
    await until('both are watched again', () => guard.stats().watched === 2)
    const both = [disconnected(chat)]
    await service.logout(second)
    expect(await Promise.all(both)).to.deep.equal(['io server disconnect'])
    main.disconnect()
    await until('nothing is watched', () => guard.stats().watched === 0)
  })

  it('a token that ends before the connection is made closes it at once', async () => {
    const { url, io } = await serve(guard)
    let proceed: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      io.use((_socket, next) => {
        proceed = next
        resolve()
      })
    })
    const jwt = await token()
    const client = open(url, { auth: { token: jwt } })
    await held
    await service.logout(jwt)
    await until('the guard knows', async () =>
      guard.check({ token: jwt }).then(
        () => false,
        () => true,
      ),
    )
    const ended = disconnected(client)
    proceed()
    expect(await ended).to.equal('io server disconnect')
  })

  it('a client that leaves during the check, or is refused by a later middleware, is never watched', async () => {
    const waiting: (() => void)[] = []
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => new Promise((resolve) => waiting.push(() => resolve('active'))),
    })
    await source.stop()
    await until('it is stale', () => !own.stats().fresh)
    const { url, sockets, io } = await serve(own, { onStale: 'keep' })
    const auth = { token: await token() }
    const client = open(url, { auth, transports: ['websocket'] })
    await until('it is checked', () => waiting.length === 1)
    client.disconnect()
    await until('the server knows', () => io.engine.clientsCount === 0)
    waiting.shift()?.()

    const later = await serve(guard)
    later.io.use((_socket, next) => next(new Error('full')))
    expect((await refusal(open(later.url, { auth: { token: await token() } }))).message).to.equal(
      'full',
    )
    expect([sockets.length, own.stats().watched, guard.stats().watched]).to.deep.equal([0, 0, 0])
  })

  it('guard.renew: a connection outlives its first token', async () => {
    const { url, sockets } = await serve(guard)
    const [first, fresh] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const client = open(url, { auth: { token: first } })
    const other = open(url, { auth: { token: first } })
    await welcomed(client)
    await welcomed(other)
    await guard.renew(sockets[0]!.data.watch!, fresh)
    const ended = [disconnected(client), disconnected(other)]
    await service.logout(first)
    await ended[1]
    expect(client.connected).to.equal(true)
    await service.logout(fresh)
    expect(await ended[0]).to.equal('io server disconnect')
  })

  it('a token from a cookie demands origins, and 403 for any other page', async () => {
    const getToken = fromCookie('token')
    expect(() => socketIoGuard(guard, { getToken })).to.throw(TypeError, /socketIoGuard: origins/)
    const { url } = await serve(guard, { getToken, origins: ['https://app.test'] })
    const cookie = `token=${await token({ sub: 'alice' })}`
    for (const transport of ['websocket', 'polling']) {
      const options = (origin?: string) => ({
        transports: [transport],
        extraHeaders: { cookie, ...(origin && { origin }) },
      })
      expect(await welcomed(open(url, options('https://app.test')))).to.equal('alice')
      const error = await refusal(open(url, options('https://evil.test')))
      expect(error.data).to.deep.equal({ status: 403, error: 'origin_not_allowed' })
    }
    // A browser leaves Origin out of a GET to the page's own site, and never of a handshake.
    const withoutOrigin = { extraHeaders: { cookie } }
    expect(await welcomed(open(url, { ...withoutOrigin, transports: ['polling'] }))).to.equal(
      'alice',
    )
    const error = await refusal(open(url, { ...withoutOrigin, transports: ['websocket'] }))
    expect(error.data.status).to.equal(403)
  })

  it('500 when getToken throws: the client is not told why', async () => {
    const warnings: string[] = []
    const listen = (warning: Error) => warnings.push(warning.message)
    process.on('warning', listen)
    try {
      const { url } = await serve(guard, {
        getToken: () => {
          throw new Error('the app’s own')
        },
      })
      const error = await refusal(open(url))
      expect([error.message, error.data]).to.deep.equal([
        'internal error',
        { status: 500, error: 'server_error' },
      ])
      await until('it is reported', () => warnings.length > 0)
      expect(warnings).to.deep.equal(['the app’s own'])
    } finally {
      process.off('warning', listen)
    }
  })

  it('with connectionStateRecovery every client is refused: Socket.IO would send what it missed without a check', async () => {
    const { url } = await serve(guard, {}, { connectionStateRecovery: { skipMiddlewares: false } })
    const error = await refusal(open(url, { auth: { token: await token() } }))
    expect(error.message).to.include('connectionStateRecovery')
    expect(error.data.status).to.equal(500)
  })
})
