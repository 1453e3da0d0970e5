import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { createCierre } from 'cierre/embedded'
import { createGuard, type Guard } from 'cierre/guard'
import * as guardExpress from '../../scripts/examples/guard-express.js'
import * as guardGraphqlWs from '../../scripts/examples/guard-graphql-ws.js'
import * as guardMcp from '../../scripts/examples/guard-mcp.js'
import * as guardSocketIo from '../../scripts/examples/guard-socket-io.js'
import * as guardWebSocket from '../../scripts/examples/guard-websocket.js'
import { startAgent } from '../support/agent.js'
import { backchannel, createRevocation, introspect, revoke } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { feedOf } from '../support/guard.js'
import { send, type Answer } from '../support/http.js'
import { saw } from '../support/leaks.js'
import { createLiveParts } from '../support/live.js'
import * as liveClients from '../support/live-clients.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { reverseProxies, startReverseProxy } from '../support/reverse-proxies.js'
import { startService, type TestService } from '../support/service.js'
import {
  issSub,
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'
import { freshClaims, hmacSecret, logoutToken, sign, type Claims } from '../support/tokens.js'

/** The default of a guard, an agent and `/verify`. */
const maxStalenessMs = 5_000

/** The README names the operation in the first of these columns alone. */
const verifyBehind = (proxy: string) => (proxy === 'nginx' ? '`/verify` behind nginx' : proxy)

/** One way to check a token, or a protocol whose connections live as long as their token. */
type Column = { name: string } & (
  { ask: (jwt: string) => Promise<Answer> } | { open: liveClients.OpenLive }
)

/** What counts as a refusal after an event. */
type Promised = {
  /** A try that begins later than this after the event must not be accepted. */
  boundMs: (column: string) => number
  /** Whether a refusal says nothing of the token, so that the next try counts. */
  isPassing: (word: string) => boolean
}

// The instance that answers a revocation has applied it. A guard that cannot tell is asked again.
const afterRevocation: Promised = {
  boundMs: (name) =>
    ['introspection', ...reverseProxies.map(verifyBehind)].includes(name) ? 0 : maxStalenessMs,
  isPassing: (word) => word === '503',
}
// Introspection always asks the store.
const withoutStore: Promised = {
  boundMs: (name) => (name === 'introspection' ? 0 : maxStalenessMs),
  isPassing: () => false,
}

/** One try: `accepted`, or how it was refused in one word. */
async function outcomeOf(column: Column, jwt: string): Promise<string> {
  if ('open' in column) {
    const opened = await column.open(jwt)
    if (typeof opened === 'string') return opened
    await opened.close()
    return 'accepted'
  }
  const { status, text } = await column.ask(jwt)
  if (text === '{"active":false}') return 'active:false'
  return status === 200 ? 'accepted' : String(status)
}

/** Tries until a column refuses. */
async function refusalOf(
  column: Column,
  jwt: string,
  sinceMs: number,
  { boundMs, isPassing }: Promised,
): Promise<string> {
  const { name } = column
  let refusal = ''
  await until(`${name} refuses`, async () => {
    const begunMs = performance.now()
    const word = await outcomeOf(column, jwt)
    if (word === 'accepted')
      expect(begunMs - sinceMs, `${name} accepts`).to.be.at.most(boundMs(name))
    else if (!isPassing(word)) refusal = word
    if (refusal === '') await pause(20)
    return refusal !== ''
  })
  return refusal
}

/** Waits until a column accepts a token. What it says after the event is its cell. */
async function begin(column: Column, jwt: string) {
  const lives: liveClients.Live[] = []
  await until(`${column.name} accepts`, async () => {
    if (!('open' in column)) return (await outcomeOf(column, jwt)) === 'accepted'
    const opened = await column.open(jwt)
    if (typeof opened !== 'string') lives.push(opened)
    return lives.length > 0
  })
  return async (sinceMs: number, promised: Promised) => {
    const ends = await Promise.all(lives.map(({ ended }) => ended))
    return [...ends, await refusalOf(column, jwt, sinceMs, promised)].join(', ')
  }
}

type Matrix = { names: string[]; rows: [string, string[]][] }

const tableOf = ({ names, rows }: Matrix) =>
  [['', ...names], ...rows.map(([name, cells]) => [name, ...cells])]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

/** The README's; a row has its name before the first colon. */
function readmeMatrix(): Matrix {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [table = ''] = /^\| who revokes \|(?:.*\n\|)*.*$/m.exec(readme) ?? []
  const [header = [], , ...rows] = table.split('\n').map((line) => line.slice(2, -2).split(' | '))
  return {
    names: header.slice(1),
    rows: rows.map(([label = '', ...cells]) => [label.split(':', 1)[0] ?? '', cells]),
  }
}

describe('the matrix of the README: who revokes, and who checks', () => {
  let redis: TestRedis
  let service: TestService
  let columns: Column[]
  const parts = createLiveParts()
  const stops: (() => unknown)[] = []

  const get = (origin: string) => (jwt: string) =>
    send(origin, { headers: { authorization: `Bearer ${jwt}` } })
  const openGuard = async (): Promise<Guard> => {
    const issuers = [{ issuer: 'https://issuer.test', secret: hmacSecret }]
    const guard = createGuard({ issuers, feed: feedOf(service.origin) })
    stops.push(guard.close)
    await guard.ready()
    return guard
  }
  const openEmbedded = async () => {
    const cierre = createCierre({
      issuers: [{ issuer: 'https://issuer.test', secret: hmacSecret }],
      redis: { url: redis.url },
      log: { write: saw },
    })
    stops.push(cierre.close)
    await cierre.ready()
    return parts.listen(createServer(guardExpress.createApi(cierre.guard)))
  }
  const openSocketIo = (guard: Guard) => {
    const { server, io } = guardSocketIo.createApi(guard)
    stops.push(() => io.close())
    return parts.listen(server)
  }
  const openProxies = async (): Promise<Column[]> => {
    const api = await parts.listen(createServer((_request, response) => response.end()))
    const proxies: Column[] = []
    for (const name of reverseProxies) {
      const proxy = await startReverseProxy(name, { cierre: service.origin, api })
      stops.push(proxy.stop)
      proxies.push({ name: verifyBehind(name), ask: get(proxy.origin) })
    }
    return proxies
  }
  const openColumns = async (): Promise<Column[]> => {
    const guard = await openGuard()
    const agent = await startAgent(service.origin)
    stops.push(agent.stop)
    const guardOrigin = await parts.listen(createServer(guardExpress.createApi(guard)))
    const wsOrigin = await parts.listen(guardWebSocket.createApi(guard))
    const graphqlOrigin = await parts.listen(guardGraphqlWs.createApi(guard))
    const mcp = createServer(guardMcp.createApi(guard, 'https://api.test/metadata'))
    return [
      { name: 'guard', ask: get(guardOrigin) },
      { name: 'embedded', ask: get(await openEmbedded()) },
      { name: 'agent', ask: get(agent.origin) },
      { name: 'introspection', ask: (jwt) => introspect(service, jwt) },
      ...(await openProxies()),
      { name: 'ws', open: liveClients.openWs(wsOrigin) },
      { name: 'Socket.IO', open: liveClients.openSocketIo(await openSocketIo(guard)) },
      { name: 'GraphQL', open: liveClients.openGraphqlWs(graphqlOrigin) },
      { name: 'MCP', open: liveClients.openMcp(await parts.listen(mcp)) },
    ]
  }

  before(async () => {
    redis = await startRedis()
    service = await startService({
      REDIS_URL: redis.url,
      // Less than a client of the tests waits, and enough for a busy machine.
      STORE_TIMEOUT_MS: '5000',
      CLIENTS: clientsVariable,
      JWT_ISSUER: 'https://issuer.test',
      JWT_AUDIENCE: 'api',
      JWT_BACKCHANNEL_AUDIENCE: 'app',
      ...transmitterVariables(transmitter),
    })
    columns = await openColumns()
  })
  after(async () => {
    await parts.close()
    for (const stop of stops.reverse()) await stop()
    await service.stop()
    await redis.stop()
  })

  /** A row: every column accepts the token, the event happens, every column refuses. */
  const row = async (
    event: (jwt: string, claims: Claims) => Promise<unknown>,
    promised: Promised,
  ): Promise<string[]> => {
    const claims = freshClaims({ aud: 'api' })
    const jwt = await sign(claims)
    const begun = await Promise.all(columns.map((column) => begin(column, jwt)))
    await event(jwt, claims)
    const sinceMs = performance.now()
    return Promise.all(begun.map((cell) => cell(sinceMs, promised)))
  }

  const revocations: Record<string, (jwt: string, claims: Claims) => Promise<Answer>> = {
    logout: (jwt) => service.logout(jwt),
    'OAuth revocation': (jwt) => revoke(service, jwt),
    'back-channel logout': async (_jwt, { sub, sid }) =>
      backchannel(service, await logoutToken({ sub, sid })),
    'Global Token Revocation': async (_jwt, { sub }) =>
      revokeGlobally(service, await transmitterJwt(), issSub(sub)),
    'admin by subject': (_jwt, { iss, sub }) =>
      createRevocation(service, { iss, sub, reason: 'admin' }),
  }

  it('after the 200 every cell refuses or closes within the bound; without the store it says unknown', async function () {
    this.timeout(300_000)
    const rows: [string, string[]][] = []
    for (const [name, revocation] of Object.entries(revocations)) {
      const cells = await row(
        async (jwt, claims) =>
          expect((await revocation(jwt, claims)).status, name).to.be.oneOf([200, 204]),
        afterRevocation,
      )
      rows.push([name, cells])
    }
    const killed = await row(() => redis.kill(), withoutStore)
    await redis.restart()
    const stopped = await row(async () => redis.pause(), withoutStore)
    redis.resume()
    expect(stopped, 'Redis that is stopped, and Redis that is killed').to.deep.equal(killed)
    rows.push(['the store is down', killed])

    const seen = { names: columns.map(({ name }) => name), rows }
    console.log(tableOf(seen))
    expect(seen).to.deep.equal(readmeMatrix())
  })
})
