// Measures logout, beside its floors and the usual alternatives: npm run bench [-- logout builds
// asking agent connections sizes steady memory footprint]. Each part writes its figures into its
// section of generated/bench.md; `logout` also draws the picture.
//
// OTHER_BUILD names the `dist/main.js` of another build, for `builds` and `agent`. `agent` compares
// with `/verify` before it answered from memory:
//   git archive --prefix=before/ 86a15e5 | tar -x -C /tmp
//   (cd /tmp/before && npm ci)
//   OTHER_BUILD=/tmp/before/dist/main.js npm run bench -- agent
import { writeFileSync } from 'node:fs'
import { createClient, type RedisClientType } from '@keyv/redis'
import { barChart } from './bar-chart.js'
import * as contenders from './contenders.js'
import type { Contender } from './contenders.js'
import { pace, saturate } from './load.js'
import { checkOneByOne } from './check-clients.js'
import { machine, median, quantile, startRedis, stolenS, type Server } from './machine.js'
import { markdownTable, writeSection, type SectionName } from './report.js'
import { algorithms, newToken, newTokens, requestOf, type Algorithm } from './tokens.js'

type Round = { cpuUs: number; rate: number; p50Ms: number; p99Ms: number }
type Measured = {
  contender: Contender
  server: Server
  rounds: Round[]
  peakBytes: number
  connections: number
}

// There are many short rounds, because a virtual machine changes its speed from second to second.
const warmUps = 12
const rounds = 15
const tokensInRound = 2_000

let report: string[] = []
const say = (text: string) => {
  report.push(text)
  console.log(text)
}
const table = (...parts: Parameters<typeof markdownTable>) => say(markdownTable(...parts))
const spread = (values: readonly number[]) =>
  `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0)

async function withRedis<T>(work: (redis: RedisClientType, url: string) => Promise<T>): Promise<T> {
  const server = await startRedis()
  const redis = createClient({ url: server.url }) as RedisClientType
  redis.on('error', () => undefined)
  await redis.connect()
  try {
    return await work(redis, server.url)
  } finally {
    redis.destroy()
    await server.stop()
  }
}

async function measure(
  { contender, server }: Measured,
  jwts: readonly string[],
  connections: number,
): Promise<Round> {
  const requests = await contender.requests(server, jwts)
  const before = server.usage().cpuS
  const { seconds, latenciesMs, unexpected } = await saturate({
    address: server.address,
    requests,
    connections,
  })
  if (unexpected !== undefined) throw new Error(`${contender.name} does not count: ${unexpected}`)
  const cpuUs = ((server.usage().cpuS - before) * 1e6) / jwts.length
  return {
    cpuUs,
    rate: jwts.length / seconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  }
}

/** The tokens of a round. */
type Tokens = () => readonly string[]

const unseen =
  (algorithm: Algorithm): Tokens =>
  () =>
    newTokens(algorithm, tokensInRound)

/** Runs rounds that alternate over all servers. The first rounds are a warm-up. */
async function alternate(measured: readonly Measured[], tokens: Tokens): Promise<void> {
  for (let round = -warmUps; round < rounds; round += 1) {
    const jwts = tokens()
    for (const one of measured) {
      const result = await measure(one, jwts, one.connections)
      process.stderr.write(
        `${round} ${one.contender.name}: ${result.cpuUs.toFixed(0)} µs, ${result.rate.toFixed(0)}/s\n`,
      )
      if (round >= 0) one.rounds.push(result)
    }
  }
  for (const one of measured) one.peakBytes = one.server.usage().peakBytes
}

/** Runs `work` with a server on its own Redis, which is filled with `entries` revocations. */
async function started(
  contender: Contender,
  algorithm: Algorithm,
  work: (one: Measured, redis: RedisClientType) => Promise<void>,
  options: { entries?: number; connections?: number } = {},
): Promise<void> {
  await withRedis(async (redis, url) => {
    if (options.entries) await fill(redis, options.entries)
    const server = await contender.start(url, algorithm)
    try {
      await work(
        { contender, server, rounds: [], peakBytes: 0, connections: options.connections ?? 64 },
        redis,
      )
    } finally {
      await server.stop()
    }
  })
}

/** Measures all servers side by side, and then does `more` with them. */
async function compare(
  all: readonly { contender: Contender; entries?: number }[],
  algorithm: Algorithm,
  tokens: Tokens = unseen(algorithm),
  more: (measured: readonly Measured[]) => Promise<void> = async () => undefined,
): Promise<Measured[]> {
  const measured: Measured[] = []
  const startNext = ([next, ...others]: typeof all): Promise<void> =>
    next === undefined
      ? alternate(measured, tokens).then(() => more(measured))
      : started(
          next.contender,
          algorithm,
          async (one) => {
            measured.push(one)
            await startNext(others)
          },
          next,
        )
  await startNext(all)
  return measured
}

const cpuOf = (measured: readonly Measured[], { name }: Contender) =>
  median(
    measured.find(({ contender }) => contender.name === name)?.rounds.map(({ cpuUs }) => cpuUs) ??
      [],
  )
const head = ['server', 'CPU µs per request', 'requests/s', 'p50 ms', 'p99 ms']
const rowOf = (name: string, rounds: readonly Round[]) => [
  name,
  spread(rounds.map(({ cpuUs }) => cpuUs)),
  spread(rounds.map(({ rate }) => rate)),
  median(rounds.map(({ p50Ms }) => p50Ms)).toFixed(1),
  median(rounds.map(({ p99Ms }) => p99Ms)).toFixed(1),
]
/** Compares each round with the round of the first server that ran in the same seconds. */
const costs = (title: string, measured: readonly Measured[], ours = 'cierre') =>
  table(
    title,
    [...head, `${ours} / it`, 'peak MB', 'first answer ms'],
    measured.map(({ contender, server, rounds, peakBytes }) => [
      ...rowOf(contender.name, rounds),
      median(
        rounds.map(({ cpuUs }, at) => (measured[0]?.rounds[at]?.cpuUs ?? NaN) / cpuUs),
      ).toFixed(2),
      megabytes(peakBytes),
      server.startedInMs.toFixed(0),
    ]),
  )

let picture: string | undefined

const each = (all: readonly Contender[]) => all.map((contender) => ({ contender }))

async function logout() {
  for (const algorithm of algorithms) {
    const measured = await compare(each(contenders.loggingOut[algorithm]), algorithm)
    costs(`Logout, ${algorithm}, 64 connections`, measured)
    if (algorithm !== 'HS256') continue
    picture = barChart(
      'CPU per logout, HS256, µs (less is better)',
      measured.map(({ contender }) => [contender.name, cpuOf(measured, contender)]),
    )
  }
}

/**
 * This build beside another, whose `dist/main.js` the variable OTHER_BUILD names. The figures are
 * only printed.
 */
async function builds() {
  const other = process.env['OTHER_BUILD']
  if (other === undefined) throw new Error('OTHER_BUILD names no dist/main.js')
  for (const algorithm of ['HS256', 'RS256'] as const)
    costs(
      `Logout, ${algorithm}, 64 connections, this build beside ${other}`,
      await compare(each([contenders.cierre, contenders.otherBuild(other)]), algorithm),
    )
}

async function asking() {
  costs(
    'Asking whether a token is good, each token once, HS256, 64 connections',
    await compare(each(contenders.asking), 'HS256'),
    '/verify',
  )
}

/** Checks of tokens that were checked before. */
async function agent() {
  const jwts = newTokens('HS256', tokensInRound)
  let oneByOne: string[][] = []
  const measured = await compare(
    each(contenders.checking(process.env['OTHER_BUILD'])),
    'HS256',
    () => jwts,
    async (servers) => {
      oneByOne = await checkOneByOne(servers.slice(0, 2), jwts[0] ?? '')
    },
  )
  costs('Checks of known tokens, HS256, 64 connections', measured, 'agent')
  table(
    'One check after another over a kept connection to a Unix socket',
    ['client', 'server', 'p50 µs', 'p99 µs'],
    oneByOne,
  )
}

async function connections() {
  await started(contenders.cierre, 'HS256', async (one) => {
    const measured = [1, 4, 16, 64].map((count): Measured => ({
      ...one,
      rounds: [],
      connections: count,
    }))
    for (let round = -warmUps; round < rounds; round += 1) {
      for (const each of measured) {
        // All connections use one server, so each token is used once.
        const result = await measure(each, newTokens('HS256', tokensInRound), each.connections)
        if (round >= 0) each.rounds.push(result)
      }
    }
    table(
      'Logout by connections, HS256',
      head.with(0, 'connections'),
      measured.map(({ rounds, connections: count }) => rowOf(String(count), rounds)),
    )
  })
}

async function fill(redis: RedisClientType, entries: number) {
  const script = `for i = 1, ARGV[2] do redis.call('SET', 'cierre:{c}:s:' .. string.format('%010d', ARGV[1] + i) .. '00000000000A', 1, 'PX', 86400000) end`
  for (let filled = 0; filled < entries; filled += 10_000)
    await redis.eval(script, { keys: [], arguments: [String(filled), '10000'] })
}

async function sizes() {
  const all = [0, 100_000, 1_000_000].map((entries) => ({ contender: contenders.cierre, entries }))
  const measured = await compare(all, 'HS256')
  table(
    'Logout by revocations that are live already, HS256, 64 connections',
    [...head.with(0, 'live'), 'peak MB', 'ready after ms'],
    measured.map(({ rounds, peakBytes, server }, index) => [
      ...rowOf((all[index]?.entries ?? 0).toLocaleString('en'), rounds),
      megabytes(peakBytes),
      server.startedInMs.toFixed(0),
    ]),
  )
}

// If the host takes ten seconds of a minute, the p99 of every server is that of the host.
const minutesTried = 3
const calmS = 0.3

const steadyHead = 'server,requests/s,p50 ms,p99 ms,p99.9 ms,longest ms,over 50 ms,stolen s'.split(
  ',',
)

/**
 * Latencies at a steady rate. The floors and Fastify at the same rate show the share of the
 * machine.
 */
async function steady() {
  const rows: string[][] = []
  const minute = async (name: string, { server }: Measured, rate: number) => {
    let calmest: { stolen: number; latenciesMs: Float64Array } = {
      stolen: Infinity,
      latenciesMs: new Float64Array(),
    }
    for (let tried = 0; tried < minutesTried && calmest.stolen >= calmS; tried += 1) {
      const requests = newTokens('HS256', rate * 60).map(requestOf.logout)
      const before = stolenS()
      const { unexpected, latenciesMs } = await pace({
        address: server.address,
        rate,
        requests,
        connections: 64,
      })
      if (unexpected !== undefined) throw new Error(`${name} does not count: ${unexpected}`)
      const stolen = stolenS() - before
      process.stderr.write(
        `${name}: p99 ${quantile(latenciesMs, 0.99).toFixed(1)} ms, ${stolen.toFixed(2)} s stolen\n`,
      )
      if (stolen < calmest.stolen) calmest = { stolen, latenciesMs }
    }
    const { stolen, latenciesMs } = calmest
    const at = (q: number) => quantile(latenciesMs, q).toFixed(1)
    rows.push([
      name,
      String(rate),
      at(0.5),
      at(0.99),
      at(0.999),
      at(1),
      String(latenciesMs.filter((ms) => ms > 50).length),
      stolen.toFixed(2),
    ])
  }
  let rate = 0
  await started(contenders.cierre, 'HS256', async (one, redis) => {
    await alternate([one], unseen('HS256'))
    rate = Math.floor(median(one.rounds.map((round) => round.rate)) / 2)
    await minute('cierre', one, rate)
    // Redis rewrites its file in a process that shares a core with Redis and the load.
    await redis.configSet('auto-aof-rewrite-percentage', '0')
    await minute('cierre, Redis never rewrites its file', one, rate)
  })
  for (const contender of [contenders.floorOne, contenders.floorAll, contenders.fastify]) {
    await started(contender, 'HS256', async (one) => {
      await alternate([one], unseen('HS256'))
      await minute(contender.name, one, rate)
    })
  }
  table(
    `A minute at half the rate that saturates cierre. A latency counts from when its logout was due. Of at most ${minutesTried} minutes, the one in which the host took least from this machine`,
    steadyHead,
    rows,
  )
}

async function memory() {
  await started(contenders.shortSessions, 'HS256', async ({ server }, redis) => {
    const rows: string[][] = []
    // So few tokens are all sent before the first one expires, even on a slow machine.
    for (let done = 0; done <= 1_000_000; done += 5_000) {
      if (done % 200_000 === 0)
        rows.push([
          done.toLocaleString('en'),
          megabytes(server.usage().rssBytes),
          megabytes(server.usage().peakBytes),
          String(await redis.dbSize()),
        ])
      const requests = Array.from({ length: 5_000 }, () => requestOf.logout(newToken('HS256', 20)))
      const { unexpected } = await saturate({ address: server.address, requests, connections: 64 })
      if (unexpected !== undefined) throw new Error(`cierre does not count: ${unexpected}`)
    }
    table(
      'Memory over a million logouts whose revocations expire meanwhile',
      ['logouts', 'resident MB', 'peak MB', 'keys in Redis'],
      rows,
    )
  })
}

async function footprint() {
  const count = 100_000
  const usedBytes = async (redis: RedisClientType) =>
    Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  const [whole, entries, names] = await withRedis(async (redis, url) => {
    const empty = await usedBytes(redis)
    const server = await contenders.revocationsOnly.start(url, 'HS256')
    const { unexpected } = await saturate({
      address: server.address,
      requests: newTokens('HS256', count).map(requestOf.logout),
      connections: 64,
    })
    if (unexpected !== undefined) throw new Error(`cierre does not count: ${unexpected}`)
    await server.stop()
    const everything = (await usedBytes(redis)) - empty
    await redis.del(['cierre:{c}:feed', 'cierre:{c}:history', 'cierre:{c}:audit'])
    const found: string[] = []
    for await (const keys of redis.scanIterator({ MATCH: 'cierre:{c}:s:*', COUNT: 1_000 }))
      found.push(...keys)
    return [everything, (await usedBytes(redis)) - empty, [...new Set(found)]] as const
  })
  if (names.length !== count) throw new Error(`${names.length} entries of ${count} logouts`)
  const bareBytes = (options: { PX: number } | undefined) =>
    withRedis(async (redis) => {
      const empty = await usedBytes(redis)
      for (let done = 0; done < count; done += 1_000)
        await Promise.all(
          names.slice(done, done + 1_000).map((name) => redis.set(name, '1', options)),
        )
      return (await usedBytes(redis)) - empty
    })
  const [bare, bareForEver] = [await bareBytes({ PX: 86_400_000 }), await bareBytes(undefined)]
  const per = (bytes: number) => (bytes / count).toFixed(0)
  table(
    `Redis memory per revocation, ${count.toLocaleString('en')} of them`,
    ['what', 'bytes', 'times the bare SET'],
    [
      ['an entry', per(entries), (entries / bare).toFixed(2)],
      ['a bare SET of the same key, one byte, with an expiry', per(bare), '1'],
      ['the same without an expiry', per(bareForEver), (bareForEver / bare).toFixed(2)],
      [
        'entry, event of the feed (about 100,000 are kept) and audit event together',
        per(whole),
        (whole / bare).toFixed(2),
      ],
    ],
  )
}

const parts = { logout, builds, asking, agent, connections, sizes, steady, memory, footprint }
const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !(name in parts))
if (unknown !== undefined) throw new Error(`${unknown} is none of ${Object.keys(parts).join(', ')}`)
const opening = `# What a logout costs

Made by \`npm run bench\`. The figures are medians of ${rounds} rounds of ${tokensInRound} requests, which alternate over all servers after ${warmUps} rounds of warm-up; lowest and highest are in brackets. "cierre / it" says how many times another server's CPU cierre uses: the median of that ratio in each round. The server has a core to itself. V8 collects garbage without helper threads, and keeps compiled code while a server waits for its turn. The load and Redis (\`appendfsync always\`) share another core.
`
for (const [name, part] of Object.entries(parts)) {
  if (chosen.length > 0 ? !chosen.includes(name) : name === 'builds') continue
  report = []
  await part()
  say(`\n${machine()}.`)
  if (name === 'builds') continue
  writeSection(name as SectionName, report.join('\n'), { opening })
  if (picture !== undefined) writeFileSync('generated/bench.svg', picture)
}
process.exit(0)
