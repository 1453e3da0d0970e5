import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { createGuard, type Guard } from '../../src/guard.js'
import type * as guardModule from '../../src/guard.js'
import { checkOutEarlier, clientsOfBoth, versionsCameIn } from '../support/earlier.js'
import { feedOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { startInstance, type Instance } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { freePort, until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret, token } from '../support/tokens.js'
import { startBalancer } from '../support/two-instances.js'

const iss = 'https://issuer.test'
const mostLogouts = 20_000

/** A token that got a 200 at logout, and when that answer had arrived. */
type LoggedOut = { jwt: string; atMs: number }

/** Logouts one after the other, by several clients, until `stop`. */
function startLogouts(origin: string, clients: number) {
  const loggedOut: LoggedOut[] = []
  const others: string[] = []
  let isOver = false
  const logOut = async () => {
    const jwt = await token()
    const { status, text } = await send(origin, {
      method: 'POST',
      path: '/api/v1/auth/logout',
      body: JSON.stringify({ token: jwt }),
      headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
    })
    if (status === 200) loggedOut.push({ jwt, atMs: performance.now() })
    else others.push(`${status} ${text}`)
  }
  const client = async () => {
    while (!isOver && loggedOut.length + others.length < mostLogouts) await logOut()
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    loggedOut,
    others,
    async flow() {
      const before = loggedOut.length
      await until('the load flows', () => loggedOut.length > before + 100)
    },
    async stop() {
      isOver = true
      await running
    },
  }
}

/** The status that a guard would have answered. The error of an earlier guard is of another class. */
const statusAt = (guard: Guard, jwt: string): Promise<number> =>
  guard.check(`Bearer ${jwt}`).then(
    () => 200,
    ({ status }: { status: number }) => status,
  )

/** Checks at one guard every few milliseconds, until `stop`. */
async function watchGuard(
  guard: Guard,
  { loggedOut, maxStalenessMs }: { loggedOut: readonly LoggedOut[]; maxStalenessMs: number },
) {
  const live = await token()
  await guard.ready()
  await until('the guard lets a token pass', async () => (await statusAt(guard, live)) === 200)
  /** Answers for a token that works, each with the moment of asking. */
  const answers: { status: number; atMs: number }[] = []
  /** Tokens that were accepted when the staleness that is allowed had passed since their logout. */
  const late: LoggedOut[] = []
  let [next, isOver] = [0, false]
  const checkNext = async (nowMs: number) => {
    const due = loggedOut[next]
    if (due === undefined || nowMs - due.atMs <= maxStalenessMs) return false
    next += 1
    if ((await statusAt(guard, due.jwt)) === 200) late.push(due)
    return true
  }
  const running = (async () => {
    while (!isOver) {
      const atMs = performance.now()
      answers.push({ status: await statusAt(guard, live), atMs })
      while (await checkNext(performance.now()));
      await pause(2)
    }
  })()
  return {
    guard,
    answers,
    late,
    checked: () => next,
    async stop() {
      isOver = true
      await running
      await guard.close()
    },
  }
}

describe('an upgrade of two instances, one after the other, under load', () => {
  let redis: TestRedis
  let ports: [number, number]
  const cleanups: (() => Promise<unknown> | void)[] = []
  const instances: Instance[] = []
  beforeEach(async () => {
    redis = await startRedis()
    ports = [await freePort(), await freePort()]
  })
  afterEach(async () => {
    for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp()
    for (const { output, kill } of instances.splice(0)) {
      saw(output.out + output.err)
      await kill()
    }
    await redis.stop()
  })

  const env = () => ({
    JWT_SECRET: hmacSecret,
    JWT_ISSUER: iss,
    REDIS_URL: redis.url,
    TRUST_PROXY: '127.0.0.1',
    CLIENTS: clientsOfBoth,
  })
  const layout = () => redis.client.get('cierre:{c}:layout')
  const startNew = async (port: number) => {
    const instance = await startInstance(port, env())
    instances.push(instance)
    return instance
  }
  const balance = async () => {
    const balancer = await startBalancer(ports)
    cleanups.push(balancer.stop)
    return balancer.origin
  }
  const logOutAt = (origin: string, clients: number) => {
    const load = startLogouts(origin, clients)
    cleanups.push(load.stop)
    return load
  }
  /** Replaces each instance by a new one, under load. */
  const roll = async (old: readonly Instance[], load: ReturnType<typeof startLogouts>) => {
    for (const [index, instance] of old.entries()) {
      await load.flow()
      instance.signal('SIGTERM')
      expect(await instance.ended()).to.equal(0)
      await startNew(ports[index]!)
      await load.flow()
    }
  }
  const expectRevoked = async (origin: string, tokens: readonly LoggedOut[]) => {
    for (const { jwt } of tokens) {
      const headers = { authorization: `Bearer ${jwt}` }
      expect((await send(origin, { path: '/api/v1/auth/verify', headers })).status).to.equal(401)
    }
  }

  it('200 for every request, and 401 afterwards for every logged-out token', async () => {
    const old = await Promise.all(ports.map(startNew))
    const origin = await balance()
    const load = logOutAt(origin, 8)
    await roll(old, load)
    await load.stop()
    expect(load.others, instances.map(({ output }) => output.out).join('')).to.deep.equal([])
    await expectRevoked(origin, [...load.loggedOut.slice(-50), ...load.loggedOut.slice(0, 50)])
  })

  describe('from the commit where versions came in', () => {
    let earlier: ReturnType<typeof checkOutEarlier>
    let createEarlierGuard: typeof guardModule.createGuard
    before(async () => {
      earlier = checkOutEarlier(versionsCameIn)
      const module = (await import(
        pathToFileURL(earlier.file('src/guard.ts')).href
      )) as typeof guardModule
      createEarlierGuard = module.createGuard
    })
    after(() => earlier.remove())

    const startEarlier = async (port: number) => {
      const program = earlier.file('src/main.ts')
      const instance = await startInstance(port, env(), ['--import', 'tsx'], program)
      instances.push(instance)
      return instance
    }
    const issuers = [{ issuer: iss, secret: hmacSecret }]
    const watch = async (
      create: typeof guardModule.createGuard,
      feed: ReturnType<typeof feedOf>,
      follows: { loggedOut: readonly LoggedOut[]; maxStalenessMs: number },
    ) => {
      const guard = create({ issuers, feed, maxStalenessMs: follows.maxStalenessMs })
      guard.on('warning', () => undefined)
      const watched = await watchGuard(guard, follows)
      cleanups.push(watched.stop)
      return watched
    }
    /** Longer than any step takes, so that a guard that goes on following stays fresh. */
    const patientMs = 60_000
    const strictMs = 2_000

    it('guards first, then instances: 200 for every request, and no guard misses a revocation', async () => {
      const old = await Promise.all(ports.map(startEarlier))
      const origin = await balance()
      const load = logOutAt(origin, 3)
      const { loggedOut } = load
      const feed = feedOf(origin)
      const earlierGuard = await watch(createEarlierGuard, feed, {
        loggedOut,
        maxStalenessMs: patientMs,
      })
      await load.flow()
      const patient = await watch(createGuard, feed, { loggedOut, maxStalenessMs: patientMs })
      const strict = await watch(createGuard, feed, { loggedOut, maxStalenessMs: strictMs })
      await earlierGuard.stop()
      await roll(old, load)
      await load.stop()
      await until('each is checked', () => strict.checked() === loggedOut.length)
      expect(load.others, instances.map(({ output }) => output.out).join('')).to.deep.equal([])
      for (const { answers } of [earlierGuard, patient])
        expect(answers.filter(({ status }) => status !== 200)).to.deep.equal([])
      expect(strict.late).to.deep.equal([])
      expect(strict.answers.at(-1)?.status).to.equal(200)
      for (const { jwt } of loggedOut) expect(await statusAt(patient.guard, jwt)).to.equal(401)
    })

    it('instances first: 503 from every old guard, which is never fresh again, and none misses a revocation', async () => {
      const old = await Promise.all(ports.map(startEarlier))
      const origin = await balance()
      const load = logOutAt(origin, 3)
      const { loggedOut } = load
      const feed = feedOf(origin)
      const earlierGuards = [
        await watch(createEarlierGuard, feed, { loggedOut, maxStalenessMs: strictMs }),
        await watch(createEarlierGuard, feed, { loggedOut, maxStalenessMs: strictMs }),
      ]
      await load.flow()
      expect(await layout()).to.equal('1')
      const raised = until('the layout is raised', async () => (await layout()) === '2').then(() =>
        performance.now(),
      )
      await roll(old, load)
      const staleAtMs = (await raised) + strictMs
      const recent = await watch(createGuard, feed, { loggedOut, maxStalenessMs: patientMs })
      await until('old guards were asked for longer than they may be stale', () =>
        earlierGuards.every(({ answers }) => (answers.at(-1)?.atMs ?? 0) > staleAtMs),
      )
      await load.stop()
      for (const { answers, late, checked } of earlierGuards) {
        await until('each is checked', () => checked() === loggedOut.length)
        expect(late).to.deep.equal([])
        const after = answers.filter(({ atMs }) => atMs > staleAtMs)
        expect(new Set(after.map(({ status }) => status))).to.deep.equal(new Set([503]))
      }
      expect(load.others, instances.map(({ output }) => output.out).join('')).to.deep.equal([])
      await until('the new guard knows each', async () => {
        const statuses = await Promise.all(loggedOut.map(({ jwt }) => statusAt(recent.guard, jwt)))
        return statuses.every((status) => status === 401)
      })
      expect(recent.answers.filter(({ status }) => status !== 200)).to.deep.equal([])
    })
  })
})
