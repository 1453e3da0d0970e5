import { createServer } from 'node:http'
import { expect } from 'chai'
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { createClient, type Client, type ClientOptions } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocket, WebSocketServer } from 'ws'
import type { Guard, Watch } from '../../../src/guard.js'
import {
  fromCookie,
  graphqlWsGuard,
  type GraphqlWsGuardOptions,
} from '../../../src/guard/adapters/graphql-ws.js'
import { clientsVariable } from '../../support/clients.js'
import { createLiveParts, createStandingClock } from '../../support/live.js'
import { until } from '../../support/processes.js'
import { startService, type TestService } from '../../support/service.js'
import { token } from '../../support/tokens.js'

type ContextValue = { subject: string | undefined }

/** A subscription that says the subject and then waits for ever. */
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { no: { type: GraphQLString } } }),
  subscription: new GraphQLObjectType<unknown, ContextValue>({
    name: 'Subscription',
    fields: {
      subject: {
        type: GraphQLString,
        async *subscribe(_source, _args, { subject }) {
          yield { subject }
          await new Promise(() => undefined)
        },
      },
    },
  }),
})

describe('cierre/guard/graphql-ws', () => {
  let service: TestService
  let guard: Guard
  const parts = createLiveParts()
  const clients: Client[] = []
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    guard = await parts.open(service.origin)
  })
  afterEach(async () => {
    // `dispose` rejects when the connection that it waits for is refused.
    await Promise.allSettled(clients.splice(0).map(async (client) => client.dispose()))
    await until('nothing is watched', () => guard.stats().watched === 0)
  })
  after(async () => {
    await parts.close()
    await service.stop()
  })

  const serve = async (own: Guard, options?: GraphqlWsGuardOptions) => {
    const server = createServer()
    const wss = new WebSocketServer({ server })
    const watches: (Watch | undefined)[] = []
    useServer(
      {
        schema,
        context({ extra }): ContextValue {
          watches.push(extra.watch)
          return { subject: extra.claims?.sub }
        },
        ...graphqlWsGuard(own, options),
      },
      wss,
    )
    return { url: (await parts.listen(server)).replace('http', 'ws'), watches, wss }
  }
  /** Subscribes; the first result and the end of the connection. */
  const subscribe = (url: string, options: Partial<ClientOptions> = {}) => {
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: true,
      ...options,
    })
    clients.push(client)
    const closed = new Promise<string>((resolve) =>
      client.on('closed', (event) => {
        const { code, reason } = event as { code: number; reason: string }
        resolve(`${code} ${reason}`)
      }),
    )
    const first = new Promise<unknown>((resolve, reject) =>
      client.subscribe<{ subject: string }>(
        { query: 'subscription { subject }' },
        { next: ({ data }) => resolve(data?.subject), error: reject, complete: () => undefined },
      ),
    )
    // Its connection may be refused.
    first.catch(() => undefined)
    return { first, closed, client }
  }
  const withToken = (jwt: string) => ({ connectionParams: { authorization: `Bearer ${jwt}` } })

  for (const [name, parametersOf] of Object.entries({
    authorization: (jwt: string) => ({ authorization: `Bearer ${jwt}` }),
    token: (jwt: string) => ({ token: jwt }),
  })) {
    it(`${name}: a subscription with the claims; 4401 token_revoked once logged out, and 4401 at the next`, async () => {
      const { url } = await serve(guard)
      const jwt = await token({ sub: 'alice' })
      const { first, closed } = subscribe(url, { connectionParams: parametersOf(jwt) })
      expect(await first).to.equal('alice')
      expect(guard.stats().watched).to.equal(1)
      expect((await service.logout(jwt)).status).to.equal(200)
      expect(await closed).to.equal('4401 token_revoked')
      const again = subscribe(url, { connectionParams: parametersOf(jwt) })
      expect(await again.closed).to.equal('4401 Unauthorized')
      expect(guard.stats().watched).to.equal(0)
    })
  }

  it('4401 token_expired when the token expires', async () => {
    const clock = createStandingClock()
    const own = await parts.open(service.origin, { clock })
    const { url } = await serve(own)
    const { first, closed } = subscribe(url, withToken(await token({ exp: clock.nowS(2) })))
    await first
    clock.forward(3_000)
    expect(await closed).to.equal('4401 token_expired')
  })

  it('1013 when the guard is stale, and at the next; the client tries again by itself', async () => {
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => 'active',
    })
    const { url } = await serve(own)
    const kept = await serve(own, { onStale: 'keep' })
    const parameters = withToken(await token({ sub: 'alice' }))
    const closing = subscribe(url, parameters)
    const keeping = subscribe(kept.url, parameters)
    await Promise.all([closing.first, keeping.first])
    await source.stop()
    expect(await closing.closed).to.equal('1013 temporarily_unavailable')
    let tries = 0
    const again = subscribe(url, {
      ...parameters,
      retryAttempts: 1,
      retryWait: () => Promise.resolve(void (tries += 1)),
    })
    expect(await again.closed).to.equal('1013 temporarily_unavailable')
    await until('it has tried again', () => tries === 1)
    expect(kept.wss.clients.size).to.equal(1)
    expect(await subscribe(kept.url, parameters).first).to.equal('alice')
  })

  it('4401 without a token and for anything else, 4403 without the scope, and a refusal of the app’s own', async () => {
    const { url } = await serve(guard, { scopes: ['live'] })
    const jwt = await token({ sub: 'alice' })
    const closings: [Record<string, unknown> | undefined, string][] = [
      [undefined, '4401 Unauthorized'],
      [{}, '4401 Unauthorized'],
      [{ authorization: jwt }, '4401 Unauthorized'],
      [{ authorization: 'Bearer x', token: jwt }, '4401 Unauthorized'],
      [{ token: [jwt] }, '4401 Unauthorized'],
      [{ token: jwt }, '4403 Forbidden'],
    ]
    for (const [connectionParams, closing] of closings)
      expect(
        await subscribe(url, { ...(connectionParams && { connectionParams }) }).closed,
        JSON.stringify(Object.keys(connectionParams ?? {})),
      ).to.equal(closing)
    const own = await serve(guard, {
      onRefused: ({ code }, _context, socket) => socket.close(4999, code),
    })
    expect(await subscribe(own.url).closed).to.equal('4999 token_missing')
    const optional = await serve(guard, { optional: true })
    expect(await subscribe(optional.url).first).to.equal(null)
    expect(guard.stats().watched).to.equal(0)
  })

  it('a token from a cookie demands origins, and 4403 for any other page', async () => {
    const getToken = fromCookie('token')
    expect(() => graphqlWsGuard(guard, { getToken })).to.throw(TypeError, /graphqlWsGuard: origins/)
    const { url } = await serve(guard, { getToken, origins: ['https://app.test'] })
    const cookie = `token=${await token({ sub: 'alice' })}`
    const from = (origin: string) => ({
      webSocketImpl: class extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols, { headers: { cookie, origin } })
        }
      },
    })
    expect(await subscribe(url, from('https://app.test')).first).to.equal('alice')
    expect(await subscribe(url, from('https://evil.test')).closed).to.equal('4403 Forbidden')
  })

  it('guard.renew: a subscription outlives its first token', async () => {
    const { url, watches } = await serve(guard)
    const [first, fresh] = [await token({ sub: 'alice' }), await token({ sub: 'alice' })]
    const renewed = subscribe(url, withToken(first))
    await renewed.first
    const other = subscribe(url, withToken(first))
    await other.first
    await guard.renew(watches[0]!, fresh)
    await service.logout(first)
    expect(await other.closed).to.equal('4401 token_revoked')
    expect(guard.stats().watched).to.equal(1)
    await service.logout(fresh)
    expect(await renewed.closed).to.equal('4401 token_revoked')
  })

  it('a client that leaves during the check is not watched', async () => {
    const waiting: (() => void)[] = []
    const { guard: own, service: source } = await parts.openWithService({
      onUnknown: () => new Promise((resolve) => waiting.push(() => resolve('active'))),
    })
    await source.stop()
    await until('it is stale', () => !own.stats().fresh)
    const { url, wss, watches } = await serve(own, { onStale: 'keep' })
    const jwt = await token()
    const leaving = new WebSocket(url, 'graphql-transport-ws')
    leaving.once('open', () =>
      leaving.send(JSON.stringify({ type: 'connection_init', payload: { token: jwt } })),
    )
    await until('it is checked', () => waiting.length === 1)
    leaving.terminate()
    await until('the server knows', () => wss.clients.size === 0)
    waiting.shift()?.()
    // The next connection shows that the check of the first one is over.
    const next = subscribe(url, withToken(jwt))
    await until('it is checked', () => waiting.length === 1)
    waiting.shift()?.()
    await next.first
    expect([own.stats().watched, watches.length]).to.deep.equal([1, 1])
  })
})
