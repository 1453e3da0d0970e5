import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'chai'
import { runAgent } from '../support/agent.js'
import { clientsVariable } from '../support/clients.js'
import { runMain } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { end, freePort, until } from '../support/processes.js'
import { createRandom, type Random } from '../support/random.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret, nowS, token } from '../support/tokens.js'

const lastsS = Number(process.env['KILLS_S'] ?? 600)
const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))

/** The bound: a check that begins later than this after the 200 of a logout refuses its token. */
const maxStalenessMs = 3_000
/** Some outages are longer than the bound, and most are shorter. */
const longestOutageMs = 2 * maxStalenessMs
const workers = { loggingOut: 4, checkingForEachDoor: 2 }
const liveTokens = 64
const answersWithinMs = 10_000
/** Checks at once, where there are many to make. */
const batch = 32

/** What is killed and started again. */
type Victim = Readonly<{ kill(): Promise<void>; start(): Promise<void> | void }>

/** A process that nothing but a kill may end. */
function victimOf(
  run: () => ReturnType<typeof runMain>,
  onEndByItself: (how: string) => void,
): Victim {
  let running: ReturnType<typeof runMain> | undefined
  return {
    start() {
      const { child, output } = run()
      running = { child, output }
      child.once('exit', (code, signal) => {
        if (signal !== 'SIGKILL') onEndByItself(`${code ?? signal}: ${output.err}${output.out}`)
      })
    },
    async kill() {
      if (running === undefined) return
      await end(running.child)
      saw(running.output.out)
    },
  }
}

const connections = new Agent({ keepAlive: true })

type Answer = Readonly<{ status: number; headers: IncomingMessage['headers'] }>

/** One request; no answer when the other side is killed, or silent for too long. */
async function ask(to: RequestOptions, body?: object): Promise<Answer | undefined> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const signal = AbortSignal.timeout(answersWithinMs)
  const headers = { ...to.headers, 'content-length': text.length }
  const sent = request({ ...to, headers, signal, agent: connections })
  sent.on('error', () => undefined).end(text)
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.on('error', () => undefined).resume()
    return { status: response.statusCode ?? 0, headers: response.headers }
  } catch {
    return undefined
  }
}

/** A token whose logout got its 200, and when that arrived, by the monotonic and the wall clock. */
type Revoked = { readonly jwt: string; readonly atMs: number; readonly atTime: number }

const tallied = () => ({
  logouts: 0,
  repeatedLogouts: 0,
  checks: 0,
  accepted: 0,
  refused: 0,
  unknown: 0,
  /** Longest times from the 200 of a logout to the beginning of a check. */
  longestToAcceptedMs: 0,
  longestToFirstRefusalMs: 0,
})

/**
 * Two instances on one Redis, and an agent that follows the first one alone, so that it becomes
 * stale while the second one answers logouts.
 */
async function startSystem(redis: TestRedis, dir: string, onFault: (fault: string) => void) {
  const ports = [await freePort(), await freePort()] as const
  const adminPort = await freePort()
  const socketPath = join(dir, 'agent.sock')
  const settings = { MAX_STALENESS_MS: String(maxStalenessMs), LOG_LEVEL: 'fatal' }
  const instance = (port: number) => () =>
    runMain({
      env: {
        ...settings,
        PORT: String(port),
        REDIS_URL: redis.url,
        JWT_SECRET: hmacSecret,
        JWT_ISSUER: 'https://issuer.test',
        CLIENTS: clientsVariable,
        RATE_LIMIT_ADDRESS: 'off',
        RATE_LIMIT_SUBJECT: 'off',
      },
    })
  const agent = () =>
    runAgent(`http://127.0.0.1:${ports[0]}`, {
      ...settings,
      AGENT_SOCKET: socketPath,
      AGENT_ADMIN_PORT: String(adminPort),
    })
  const ended = (name: string) => (how: string) => onFault(`${name} ended by itself: ${how}`)
  const victims: Record<string, Victim> = {
    agent: victimOf(agent, ended('the agent')),
    'first instance': victimOf(instance(ports[0]), ended('the first instance')),
    'second instance': victimOf(instance(ports[1]), ended('the second instance')),
    Redis: { kill: redis.kill, start: () => redis.restart() },
  }
  const doors: Record<string, RequestOptions> = {
    agent: { socketPath, path: '/' },
    'first instance': { port: ports[0], path: '/api/v1/auth/verify' },
    'second instance': { port: ports[1], path: '/api/v1/auth/verify' },
  }
  return {
    victims,
    doors,
    ports,
    async ready() {
      for (const port of [...ports, adminPort])
        await until(
          `port ${port} is ready`,
          async () => (await ask({ port, path: '/health/ready' }))?.status === 200,
        )
    },
  }
}

type System = Awaited<ReturnType<typeof startSystem>>

/** Logs tokens out and checks them, until the time is over. */
function createLoad(system: System, onFault: (fault: string) => void) {
  const { doors, ports } = system
  const tally = tallied()
  const revoked: Revoked[] = []
  /** The agent has not refused these yet. */
  const unrefused = new Set<Revoked>()

  /** Asks at a door; the status, `undefined` without an answer. Notes what breaks the promise. */
  async function look(name: string, jwt: string, one?: Revoked): Promise<number | undefined> {
    const startedAtMs = performance.now()
    const answer = await ask({ ...doors[name], headers: { authorization: `Bearer ${jwt}` } })
    const ageMs = one === undefined ? 0 : startedAtMs - one.atMs
    const fault = faultOf(answer, one, ageMs)
    if (fault !== undefined) onFault(`${name}: ${fault}`)
    tally.checks += 1
    if (answer?.status === 200) {
      tally.accepted += 1
      tally.longestToAcceptedMs = Math.max(tally.longestToAcceptedMs, ageMs)
    } else if (answer?.status === 401) tally.refused += 1
    else tally.unknown += 1
    return answer?.status
  }

  async function lookAtUnrefused(): Promise<void> {
    const startedAtMs = performance.now()
    const isRefused = async (one: Revoked) => {
      if ((await look('agent', one.jwt, one)) !== 401) return
      unrefused.delete(one)
      const ageMs = startedAtMs - one.atMs
      tally.longestToFirstRefusalMs = Math.max(tally.longestToFirstRefusalMs, ageMs)
    }
    await Promise.all([...unrefused].slice(0, batch).map(isRefused))
  }

  /** A logout that gets no 200 promises nothing, and is repeated until the token is revoked. */
  async function logOut(random: Random): Promise<void> {
    const jwt = await token({ exp: nowS(86_400), ...(random(3) === 0 && { sid: undefined }) })
    const body = { token: jwt, ...(random(4) === 0 && { scope: 'global' }) }
    const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' }
    for (let isRevoked = false; !isRevoked;) {
      const port = ports[random(2)]
      const to = { port, method: 'POST', path: '/api/v1/auth/logout', headers }
      const answer = await ask(to, body)
      isRevoked = answer?.status === 200 || answer?.headers['x-error-reason'] === 'revoked'
      if (isRevoked) continue
      if (answer?.status === 401) onFault('a logout of a good token was answered with a 401')
      tally.repeatedLogouts += 1
      await pause(20)
    }
    const one = { jwt, atMs: performance.now(), atTime: Date.now() }
    revoked.push(one)
    unrefused.add(one)
    tally.logouts += 1
  }

  return { tally, revoked, look, lookAtUnrefused, logOut }
}

/** What is wrong with the answer of a check, which began `ageMs` after the 200 of the logout. */
function faultOf(answer: Answer | undefined, one: Revoked | undefined, ageMs: number) {
  const status = answer?.status
  if (status === 401) return one === undefined ? 'a token that is not revoked: 401' : undefined
  if (status === undefined || status === 503) return undefined
  if (status !== 200) return `answered with ${status}`
  const asOf = Date.parse(String(answer?.headers['x-auth-as-of']))
  if (Number.isNaN(asOf)) return 'a 200 that does not say as of when'
  if (one === undefined) return undefined
  if (ageMs > maxStalenessMs) return `accepted ${Math.round(ageMs)} ms after the 200 of the logout`
  if (one.atTime < asOf) return `accepted as of ${asOf - one.atTime} ms after the 200 of the logout`
  return undefined
}

type Load = ReturnType<typeof createLoad>

/** One or two at a time are killed, stay down for a while, and are started again. */
async function killSome(random: Random, victims: System['victims'], first: string) {
  const others = Object.keys(victims).filter((name) => name !== first)
  const names = random(3) === 0 ? [first, others[random(others.length)]!] : [first]
  for (const name of names) await victims[name]!.kill()
  for (const name of names) {
    await pause(random(random(longestOutageMs)))
    await victims[name]!.start()
  }
  return names
}

async function killAgainAndAgain(random: Random, { victims, ready }: System) {
  const kills: Record<string, number> = {}
  let longestToReadyMs = 0
  const names = Object.keys(victims)
  const endMs = performance.now() + lastsS * 1000
  for (let step = 0; step < names.length || performance.now() < endMs; step += 1) {
    // Each one once, then at random.
    const first = names[step < names.length ? (step + seed) % names.length : random(names.length)]!
    for (const name of await killSome(random, victims, first)) kills[name] = (kills[name] ?? 0) + 1
    // The next kill comes while all of them run, or while they are still on their way to that.
    if (random(2) === 0) {
      const startedAtMs = performance.now()
      await ready()
      longestToReadyMs = Math.max(longestToReadyMs, performance.now() - startedAtMs)
    }
    await pause(random(longestOutageMs))
  }
  return { kills, longestToReadyMs }
}

describe('kill -9 of the agent, the instances and Redis in random order, under load', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cierre-kills-'))
  const faults: string[] = []
  let redis: TestRedis
  let system: System

  before(async () => {
    redis = await startRedis()
    system = await startSystem(redis, dir, (fault) => faults.push(fault))
    for (const [name, victim] of Object.entries(system.victims))
      if (name !== 'Redis') await victim.start()
    await system.ready()
  })
  after(async () => {
    for (const [name, victim] of Object.entries(system.victims))
      if (name !== 'Redis') await victim.kill()
    connections.destroy()
    await redis.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it(`for ${lastsS} s no revoked token is accepted beyond the bound, and no other one is refused; seed=${seed}`, async function () {
    this.timeout(lastsS * 1000 + 600_000)
    const random = createRandom(seed)
    const load = createLoad(system, (fault) => faults.push(fault))
    const { tally, revoked } = load
    const live = await Promise.all(
      Array.from({ length: liveTokens }, () => token({ exp: nowS(86_400) })),
    )
    let isOver = false
    const repeat = (pauseMs: number, work: (random: Random) => Promise<void>) => {
      const own = createRandom(random(2 ** 31))
      return (async () => {
        while (!isOver) {
          await work(own)
          await pause(pauseMs)
        }
      })()
    }
    const loggingOut = Array.from({ length: workers.loggingOut }, () => repeat(20, load.logOut))
    const checking = Object.keys(system.doors).flatMap((door) =>
      Array.from({ length: workers.checkingForEachDoor }, () =>
        repeat(5, (own) => checkSome(own, load, live, door)),
      ),
    )
    const lookingAtUnrefused = repeat(5, load.lookAtUnrefused)
    const kills = await killAgainAndAgain(random, system).finally(() => (isOver = true))
    await Promise.all([...loggingOut, ...checking, lookingAtUnrefused])
    const figures = `seed=${seed} ${JSON.stringify({ ...kills, ...tally })}`
    console.log(figures)

    await system.ready()
    for (const door of Object.keys(system.doors)) {
      await inBatches(revoked, (one) =>
        until(`${door} refuses`, async () => (await load.look(door, one.jwt, one)) === 401),
      )
      await inBatches(live, (jwt) =>
        until(`${door} accepts`, async () => (await load.look(door, jwt)) === 200),
      )
    }
    expect(faults.slice(0, 5), `${faults.length} faults; ${figures}`).to.deep.equal([])
    for (const what of ['accepted', 'refused', 'unknown'] as const)
      expect(tally[what], what).to.be.above(0)
  })
})

/** Checks tokens of both kinds at a door. */
async function checkSome(random: Random, load: Load, live: readonly string[], door: string) {
  const one = load.revoked[random(load.revoked.length)]
  if (one !== undefined) await load.look(door, one.jwt, one)
  await load.look(door, live[random(live.length)]!)
}

async function inBatches<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < all.length; start += batch)
    await Promise.all(all.slice(start, start + batch).map(work))
}
