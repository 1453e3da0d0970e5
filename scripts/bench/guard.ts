// Measures the guard: npm run bench:guard [-- cheap live-set http small prompt fleet]. Prints a
// Markdown table for each part.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, type RedisClientType } from '@keyv/redis'
import autocannon from 'autocannon'
import { expressjwt } from 'express-jwt'
import { createVerifier } from 'fast-jwt'
import { jwtVerify, SignJWT } from 'jose'
import { createGuard, type Guard } from '../../src/guard.js'
import { feedVersion } from '../../src/feed/event.js'
import { createRequestCheck } from '../../src/guard/adapters/request-check.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { kindOf } from '../../src/revocation/packed-entry.js'
import { liveSetRows } from './live-set.js'
import {
  freePort,
  machine,
  median,
  quantile,
  run,
  soon,
  startInstance,
  startRedis,
  stop,
} from './machine.js'

const secret = randomBytes(32).toString('base64url')
const clientSecret = randomBytes(32).toString('base64url')
const clients = JSON.stringify([
  {
    id: 'bench',
    secretSha256: createHash('sha256').update(clientSecret).digest('hex'),
    allow: ['feed', 'introspect'],
  },
])
const issuers = [{ issuer: 'https://issuer.test', secret }]
const serviceEnv = (redisUrl: string) => ({
  REDIS_URL: redisUrl,
  JWT_SECRET: secret,
  CLIENTS: clients,
  LOG_LEVEL: 'fatal',
})
const basic = `Basic ${Buffer.from(`bench:${clientSecret}`).toString('base64')}`
const key = await crypto.subtle.importKey(
  'raw',
  Buffer.from(secret),
  { name: 'HMAC', hash: 'SHA-256' },
  false,
  ['sign', 'verify'],
)
const newToken = () =>
  new SignJWT({ sid: randomUUID(), scope: 'read write' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('https://issuer.test')
    .setSubject(randomUUID())
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key)
const newTokens = (count: number) => Promise.all(Array.from({ length: count }, newToken))
// Each header is a new string, like a header from the network.
const headersOf = (tokens: readonly string[]) =>
  tokens.map((jwt) => Buffer.from(`Bearer ${jwt}`).toString('latin1'))
const table = (
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
) =>
  console.log(
    `\n### ${title}\n\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}`,
  )

async function withService(
  work: (parts: {
    origin: string
    redis: RedisClientType
    instance: Awaited<ReturnType<typeof startInstance>>
  }) => Promise<void>,
  fill = 0,
) {
  const server = await startRedis()
  const redis = createClient({ url: server.url }) as RedisClientType
  // The first attempts may come before Redis listens.
  redis.on('error', () => undefined)
  await redis.connect()
  for (let filled = 0; filled < fill; filled += 20_000) {
    const names = Array.from(
      { length: 20_000 },
      () => `cierre:{c}:t:${randomBytes(16).toString('base64url')}`,
    )
    await redis.mSet(names.map((name) => [name, '1'] as [string, string]))
  }
  const instance = await startInstance(serviceEnv(server.url))
  try {
    await work({ origin: instance.origin, redis, instance })
  } finally {
    await instance.stop()
    redis.destroy()
    await server.stop()
  }
}

const guardOf = (origin: string) =>
  createGuard({ issuers, feed: { url: origin, clientId: 'bench', clientSecret } })

type Contender = [name: string, count: number, check: (header: string) => unknown]

/** express-jwt with a denylist in Redis, set up as in its documentation. */
function expressJwtWith(redis: RedisClientType): (header: string) => Promise<void> {
  const middleware = expressjwt({
    secret,
    algorithms: ['HS256'],
    issuer: 'https://issuer.test',
    isRevoked: async (_request, jwt) =>
      (await redis.get(`denied:${(jwt?.payload as { jti: string }).jti}`)) !== null,
  })
  return (header) =>
    new Promise((resolve, reject) => {
      void middleware({ headers: { authorization: header } } as never, {} as never, (error) =>
        error === undefined ? resolve() : reject(error as Error),
      )
    })
}

function contendersOf(
  { guard, origin, redis }: { guard: Guard; origin: string; redis: RedisClientType },
  known: ReadonlyMap<string, string>,
): Contender[] {
  const options = { issuer: 'https://issuer.test', algorithms: ['HS256'] }
  const fast = createVerifier({
    key: secret,
    cache: 20_000,
    allowedIss: 'https://issuer.test',
    algorithms: ['HS256'],
  })
  const withDenyList = async (header: string) => {
    const { payload } = await jwtVerify(header.slice(7), key, options)
    if ((await redis.get(`denied:${payload.jti}`)) !== null) throw new Error('revoked')
  }
  const introspected = async (header: string) => {
    const response = await fetch(`${origin}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams({ token: header.slice(7) }),
    })
    if (((await response.json()) as { active: boolean }).active !== true)
      throw new Error('inactive')
  }
  const adapter = createRequestCheck('bench', guard, undefined)
  const lookUp = async (header: string) => {
    if (known.get(header.slice(-24)) !== header) throw new Error('unknown')
  }
  return [
    ['guard, known token', 10_000, (header) => guard.check(header)],
    [
      'the same for a request, as an adapter asks',
      10_000,
      (header) => adapter.check({ rawHeaders: ['Authorization', header] }),
    ],
    ['floor: the header in a Map, awaited', 10_000, lookUp],
    ['guard, new token', 2_000, (header) => guard.check(header)],
    ['jose alone', 2_000, (header) => jwtVerify(header.slice(7), key, options)],
    ['jose + Redis GET', 2_000, withDenyList],
    ['express-jwt + Redis GET', 2_000, expressJwtWith(redis)],
    ['fast-jwt with its cache, no revocation', 10_000, (header): unknown => fast(header.slice(7))],
    ['introspection over HTTP', 500, introspected],
  ]
}

/** Microseconds per check in one round. */
async function costOf([name, count, check]: Contender, tokens: readonly string[]): Promise<number> {
  globalThis.gc?.()
  // Checks of a few microseconds run ten times as often: otherwise pauses of the machine would
  // dominate.
  const passes = count === 10_000 ? 10 : 1
  let tookMs = 0
  for (let pass = 0; pass < passes; pass += 1) {
    const isNew = name === 'guard, new token'
    const headers = headersOf(isNew ? await newTokens(count) : tokens.slice(0, count))
    const startedAt = performance.now()
    for (const header of headers) await check(header)
    tookMs += performance.now() - startedAt
  }
  return (tookMs * 1000) / count / passes
}

async function cheap() {
  await withService(async ({ origin, redis }) => {
    const guard = guardOf(origin)
    await guard.ready()
    const tokens = await newTokens(10_000)
    for (const header of headersOf(tokens)) await guard.check(header)
    const byTail = headersOf(tokens).map((header): [string, string] => [header.slice(-24), header])
    const contenders = contendersOf({ guard, origin, redis }, new Map(byTail))
    const costs = new Map(contenders.map(([name]) => [name, [] as number[]]))
    for (let round = 0; round < 7; round += 1) {
      for (const contender of contenders) {
        const cost = await costOf(contender, tokens)
        // The first two rounds are a warm-up.
        if (round >= 2) costs.get(contender[0])?.push(cost)
      }
    }
    const known = median(costs.get('guard, known token') ?? [])
    table(
      'Cheap: one check, one after the other, 10,000 distinct tokens (HS256), a fresh header string each',
      ['check', 'µs (median of 5 rounds)', 'lowest … highest', 'times the known token'],
      [...costs].map(([name, values]) => [
        name,
        median(values).toFixed(2),
        `${Math.min(...values).toFixed(2)} … ${Math.max(...values).toFixed(2)}`,
        (median(values) / known).toFixed(1),
      ]),
    )
    await guard.close()
  })
}

/** A Fastify server on the first core that has answered a request with every token once. */
async function startFastify(kind: string, feed: string, tokens: readonly string[]) {
  const port = await freePort()
  const child = run(
    'taskset',
    ['-c', '0', process.execPath, '--import', 'tsx', 'scripts/bench/fastify-server.ts'],
    { PORT: String(port), KIND: kind, FEED: feed, SECRET: secret, CLIENT_SECRET: clientSecret },
  )
  const get = (jwt = '') =>
    fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${jwt}` } })
  await soon(
    'the route answers',
    async () => (await get(tokens[0]).catch(() => undefined))?.status === 200,
  )
  for (const jwt of tokens) await (await get(jwt)).arrayBuffer()
  return { kind, port, child, rates: [] as number[] }
}

/** Requests per second, measured over five seconds. */
async function rateOf(port: number, tokens: readonly string[]): Promise<number> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: 64,
    duration: 5,
    requests: tokens.map((jwt) => ({ path: '/', headers: { authorization: `Bearer ${jwt}` } })),
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${port}: unexpected answers`)
  return result.requests.average
}

function liveSet() {
  table(
    'The live set: 500,000 entries in one partitioned hash index',
    ['step', 'ns (median of 5 rounds)', 'lowest … highest'],
    liveSetRows(),
  )
}

async function http() {
  await withService(async ({ origin }) => {
    const tokens = await newTokens(1_000)
    const servers = await Promise.all(
      ['none', 'guard'].map((kind) => startFastify(kind, origin, tokens)),
    )
    for (let round = 0; round < 6; round += 1) {
      for (const server of servers) {
        const rate = await rateOf(server.port, tokens)
        if (round > 0) server.rates.push(rate)
      }
    }
    const [none, guarded] = servers.map(({ rates }) => median(rates))
    table(
      'A Fastify route over HTTP, server on one core, 64 connections, 5 rounds of 5 s, alternating',
      ['route', 'requests/s (median)', 'lowest … highest', 'ratio'],
      servers.map(({ kind, rates }) => [
        kind === 'none' ? 'no check' : 'guarded',
        Math.round(median(rates)),
        `${Math.round(Math.min(...rates))} … ${Math.round(Math.max(...rates))}`,
        kind === 'none' ? '1' : ((guarded ?? 0) / (none ?? 1)).toFixed(3),
      ]),
    )
    for (const { child } of servers) await stop(child)
  })
}

/** What the live set says of its memory, and by how much the process has grown. */
function residentRow(count: number): [string, string] {
  const args = ['--expose-gc', '--import', 'tsx', 'scripts/bench/resident.ts', String(count)]
  const { told, grown } = JSON.parse(execFileSync('node', args).toString()) as {
    told: number
    grown: number
  }
  return [
    `resident growth with ${count / 1e6} million revocations, MB; what the live set says, MB`,
    `${(grown / 1e6).toFixed(0)}; ${(told / 1e6).toFixed(0)}`,
  ]
}

async function small() {
  const gc = globalThis.gc ?? (() => undefined)
  gc()
  const before = process.memoryUsage()
  const liveSet = createLiveSet(Date.now)
  const words = new Uint32Array(4)
  const bytesPer: number[] = []
  let longestAddMs = 0
  for (let size = 1; size <= 2_000_000; size += 1) {
    crypto.getRandomValues(words)
    const startedAt = performance.now()
    liveSet.addPacked(words, 4_000_000_000, kindOf('t:'), 1)
    if (size > 1_000) longestAddMs = Math.max(longestAddMs, performance.now() - startedAt)
    if (size >= 500_000 && size % 50_000 === 0) {
      gc()
      const { arrayBuffers, heapUsed } = process.memoryUsage()
      bytesPer.push((arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed) / size)
    }
  }
  const rows: [string, string][] = [
    [
      'bytes per revocation, average over 0.5 to 2 million (highest)',
      `${(bytesPer.reduce((a, b) => a + b) / bytesPer.length).toFixed(1)} (${Math.max(...bytesPer).toFixed(1)})`,
    ],
    ['longest single addition up to 2 million, ms', longestAddMs.toFixed(2)],
    ...[1_000_000, 3_000_000].map(residentRow),
  ]
  await withService(async ({ origin, redis }) => {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const guard = guardOf(origin)
    delay.enable()
    const startedAt = performance.now()
    await guard.ready(60_000)
    const loadedMs = performance.now() - startedAt
    rows.push(
      ['snapshot of one million loaded and proved fresh, ms', loadedMs.toFixed(0)],
      ['longest pause of the event loop meanwhile, ms', (delay.max / 1e6).toFixed(1)],
    )
    delay.reset()
    const script = `for i = 1, 50 do local name = 't:' .. string.format('%010d', ARGV[1] * 50 + i) .. '00000000000A' redis.call('SET', 'cierre:{c}:' .. name, 1) redis.call('XADD', 'cierre:{c}:feed', 'MAXLEN', '~', 100000, '*', 'k', name, 'u', '', 'c', 1) end`
    const held = guard.stats().revocations
    const begunAt = performance.now()
    for (let tick = 0; tick < 1_000; tick += 1) {
      void redis.eval(script, { keys: [], arguments: [String(tick)] })
      await pause(Math.max(0, begunAt + (tick + 1) * 10 - performance.now()))
    }
    await soon('the guard has them all', async () => guard.stats().revocations === held + 50_000)
    rows.push([
      'the same at 5,000 revocations/s for 10 s, on a million, ms',
      (delay.max / 1e6).toFixed(1),
    ])
    await guard.close()
  }, 1_000_000)
  table('Small', ['what', 'measured'], rows)
}

/**
 * Logs out 200 tokens per second. Returns when each logout was sent, and when its 200 arrived, in
 * epoch milliseconds.
 */
async function logOutAll(origin: string, tokens: readonly string[]) {
  const clockMs = () => performance.timeOrigin + performance.now()
  const [sent, answered]: [number[], number[]] = [[], []]
  const logOut = async (jwt: string, index: number) => {
    sent[index] = clockMs()
    const response = await fetch(`${origin}/api/v1/auth/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token: jwt }),
    })
    answered[index] = clockMs()
    if (response.status !== 200) throw new Error(`logout answered ${response.status}`)
    await response.arrayBuffer()
  }
  const pending: Promise<void>[] = []
  const begunAt = performance.now()
  for (const [index, jwt] of tokens.entries()) {
    await pause(Math.max(0, begunAt + index * 5 - performance.now()))
    pending.push(logOut(jwt, index))
  }
  await Promise.all(pending)
  return { sent, answered }
}

const prompted = 10_000
const promptWarmUps = 1_000
async function prompt() {
  await withService(async ({ origin }) => {
    const other = run(
      process.execPath,
      ['--import', 'tsx', 'scripts/bench/watcher.ts'],
      { FEED: origin, SECRET: secret, CLIENT_SECRET: clientSecret },
      true,
    )
    const refusedAt = new Map<number, number>()
    let announced: (ready: unknown) => void = () => undefined
    other.on('message', (message: { ready?: true; at?: number; index?: number }) => {
      if (message.index !== undefined && message.at !== undefined)
        refusedAt.set(message.index, message.at)
      else announced(message)
    })
    const tokens = await newTokens(promptWarmUps + prompted)
    other.send({ tokens })
    await new Promise((resolve) => (announced = resolve))
    const { sent, answered } = await logOutAll(origin, tokens)
    await soon('every token is refused', async () => refusedAt.size === tokens.length)
    const row = (name: string, values: number[]) => [
      name,
      quantile(values, 0.5).toFixed(2),
      quantile(values, 0.99).toFixed(2),
      Math.max(...values).toFixed(2),
    ]
    const counted = (times: number[]) => times.slice(promptWarmUps)
    const from = (times: number[]) =>
      counted(times.map((time, index) => Math.max(0, (refusedAt.get(index) ?? NaN) - time)))
    table(
      `Prompt: ${prompted} revocations at 200/s after ${promptWarmUps} to warm up, Redis with appendfsync always, the guard in another process`,
      ['from … to', 'p50 ms', 'p99 ms', 'highest ms'],
      [
        row('logout sent → refused by the guard', from(sent)),
        row('200 received → refused by the guard', from(answered)),
        row(
          'logout sent → 200 received',
          counted(sent.map((time, index) => (answered[index] ?? NaN) - time)),
        ),
      ],
    )
    await stop(other)
  })
}

async function fleet() {
  await withService(async ({ origin, redis, instance }) => {
    const position = (
      (await (
        await fetch(`${origin}/api/v1/revocations/position?version=${feedVersion}`, {
          headers: { authorization: basic },
        })
      ).json()) as { position: string }
    ).position
    const { port } = new URL(origin)
    const lags: number[] = []
    const connections = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const connection = request({
          host: '127.0.0.1',
          port,
          path: `/api/v1/revocations/events?from=${position}&version=${feedVersion}`,
          headers: { authorization: basic },
          agent: false,
        }).end()
        const [response] = (await once(connection, 'response')) as [
          import('node:http').IncomingMessage,
        ]
        response.on('data', (piece: Buffer) => {
          const at = piece.lastIndexOf('id: ')
          const ms = Number(piece.toString('latin1', at + 4, at + 17))
          if (ms > 1e12) lags.push(Date.now() - ms)
        })
        return connection
      }),
    )
    await pause(1_000)
    lags.length = 0
    const before = instance.usage()
    const script = `for i = 1, 10 do local name = 't:' .. string.format('%010d', ARGV[1] * 10 + i) .. '00000000000A' redis.call('XADD', KEYS[1], 'MAXLEN', '~', 100000, '*', 'k', name, 'u', '', 'c', 1) end`
    const begunAt = performance.now()
    for (let tick = 0; tick < 2_000; tick += 1) {
      void redis.eval(script, { keys: ['cierre:{c}:feed'], arguments: [String(tick)] })
      await pause(Math.max(0, begunAt + (tick + 1) * 10 - performance.now()))
    }
    const after = instance.usage()
    const seconds = (performance.now() - begunAt) / 1000
    table(
      'A fleet: 500 feed connections on one instance, 1,000 revocations/s for 20 s (readers on the same two cores)',
      ['lag p50 ms', 'lag p99 ms', 'CPU of the instance', 'its memory'],
      [
        [
          quantile(lags, 0.5),
          quantile(lags, 0.99),
          `${(((after.cpuS - before.cpuS) / seconds) * 100).toFixed(0)} % of a core`,
          `${(after.rssBytes / 1e6).toFixed(0)} MB`,
        ],
      ],
    )
    connections.forEach((connection) => connection.destroy())
  })
}

const parts = { cheap, 'live-set': liveSet, http, small, prompt, fleet }
const chosen = process.argv.slice(2)
console.log(machine())
for (const [name, part] of Object.entries(parts))
  if (chosen.length === 0 || chosen.includes(name)) await part()
process.exit(0)
