import { randomInt } from 'node:crypto'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import type { Guard } from '../../src/guard.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { send } from '../support/http.js'
import { startProxy } from '../support/proxy.js'
import { end, freePort, start, until } from '../support/processes.js'
import { createRandom } from '../support/random.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startCluster, startSentinels, type TestTopology } from '../support/topologies.js'
import { hmacSecret, token } from '../support/tokens.js'

const revocations = Number(process.env['NEVER_LOST'] ?? 2_000)
const maxStalenessMs = 3_000

/** An instance in its own process, which can be killed and stopped. */
async function startInstance(settings: Readonly<Record<string, string>>) {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const up = async () => {
    child = start(process.execPath, ['dist/main.js'], {
      env: {
        PATH: process.env['PATH'],
        PORT: String(port),
        ...settings,
        JWT_SECRET: hmacSecret,
        CLIENTS: clientsVariable,
        RATE_LIMIT_ADDRESS: 'off',
        RATE_LIMIT_SUBJECT: 'off',
        STORE_TIMEOUT_MS: '500',
        LOG_LEVEL: 'fatal',
      },
    })
    child.stdout?.resume()
    child.stderr?.resume()
  }
  const isReady = async () =>
    (await send(origin, { path: '/health/ready' }).catch(() => undefined))?.status === 200
  /** How often this process has noticed that Redis lost revocations. */
  const losses = async () => {
    const metrics = await send(origin, { path: '/metrics' }).catch(() => undefined)
    return Number(/^cierre_history_lost_total (\d+)$/m.exec(metrics?.text ?? '')?.[1] ?? 0)
  }
  await up()
  return {
    origin,
    isReady,
    losses,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async restart(signal: NodeJS.Signals) {
      child?.kill('SIGCONT')
      if (child !== undefined) await end(child, signal)
      await up()
    },
    async stop() {
      child?.kill('SIGCONT')
      if (child !== undefined) await end(child)
    },
  }
}

type Instance = Awaited<ReturnType<typeof startInstance>>

/** Where the revocations are. */
type Place = Readonly<{
  settings: Readonly<Record<string, string>>
  /** The server that has them now. */
  primary(): Promise<TestRedis>
  stop(): Promise<void>
}>

async function startPlain(): Promise<Place> {
  const redis = await startRedis()
  return { settings: { REDIS_URL: redis.url }, primary: async () => redis, stop: redis.stop }
}

const startSeveral = (start: () => Promise<TestTopology>) => async (): Promise<Place> => {
  const topology = await start()
  return {
    // All replicas are awaited: any of them may take over, and the instances that could write back
    // what it lacks may be killed at that moment. Each instance asks the sentinels twice as often as
    // half of the staleness.
    settings: { REDIS_URL: topology.url, REDIS_MIN_REPLICAS: '2', MAX_STALENESS_MS: '3000' },
    async primary() {
      let found: TestRedis | undefined
      await until('there is a primary with a replica', async () => {
        found = await topology.primary()
        return found !== undefined && (await topology.onlineReplicas()) > 0
      })
      return found!
    },
    stop: topology.stop,
  }
}

const places: Record<string, () => Promise<Place>> = {
  'one Redis': startPlain,
  sentinels: startSeveral(startSentinels),
  'a cluster': startSeveral(startCluster),
}

for (const [name, open] of Object.entries(places))
  describe(`a fresh guard accepts no token that was revoked before the moment of its freshness: ${name}`, () => {
    let place: Place
    let instances: Instance[]
    let guards: { guard: Guard; instance: number }[] = []

    before(async () => {
      place = await open()
      instances = [await startInstance(place.settings), await startInstance(place.settings)]
    })
    after(async () => {
      for (const { guard } of guards) await guard.close()
      for (const instance of instances) await instance.stop()
      await place.stop()
    })

    it(`${revocations} revocations while instances and Redis are killed, stopped, restarted, trimmed and flushed`, async function () {
      this.timeout(600_000)
      const seed = randomInt(2 ** 31)
      const random = createRandom(seed)
      const allReady = () =>
        until('both instances are ready', async () =>
          (await Promise.all(instances.map(({ isReady }) => isReady()))).every(Boolean),
        )
      await allReady()

      /** Between the guards and each instance; cuts connections. */
      let isCut = false
      const proxies = await Promise.all(
        instances.map(({ origin }) =>
          startProxy(
            () => Number(new URL(origin).port),
            async () => (isCut ? 'cut' : 'pass'),
          ),
        ),
      )
      const openGuard = (instance: number) => {
        const guard = startGuard(proxies[instance]!.url.replace('redis:', 'http:'), {
          maxStalenessMs,
        })
        guard.on('warning', () => undefined)
        return { guard, instance }
      }
      guards = [openGuard(0), openGuard(1), openGuard(0), openGuard(1)]

      /** Tokens, and the time at which the 200 of their logout was received. */
      const revoked: { jwt: string; atMs: number }[] = []
      const violations: string[] = []
      const tally = { accepted: 0, refused: 0, unknown: 0, checks: 0 }
      let isOver = false

      const look = async (guard: Guard, one: { jwt: string; atMs: number }) => {
        // Read before the check: during the check the guard can only become fresher.
        const startedAt = performance.now()
        const { stalenessMs } = guard.stats()
        const status = await statusOf(guard, one.jwt)
        tally.checks += 1
        if (status === 401) tally.refused += 1
        if (status === 503) tally.unknown += 1
        if (status !== 200) return
        tally.accepted += 1
        const freshAsOf = startedAt - stalenessMs
        if (one.atMs < freshAsOf - 1 || one.atMs < startedAt - maxStalenessMs - 50)
          violations.push(
            `accepted ${Math.round(startedAt - one.atMs)} ms after its 200, fresh as of ${Math.round(stalenessMs)} ms ago`,
          )
      }
      const revoking = async (worker: number) => {
        while (revoked.length < revocations) {
          const jwt = await token(worker % 2 === 0 ? {} : { sid: undefined })
          const body = JSON.stringify({ token: jwt })
          // A logout without an answer of 200 promises nothing, and is repeated until the token is
          // revoked. The 401 to the repetition promises the same as a 200.
          let status: number | undefined
          while (status !== 200 && status !== 401) {
            if (status !== undefined) await wait(20)
            const { origin } = instances[random(2)]!
            const answer = send(origin, {
              method: 'POST',
              path: '/api/v1/auth/logout',
              headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
              body,
            }).catch(() => undefined)
            status = (await Promise.race([answer, wait(3_000, undefined)]))?.status ?? 0
          }
          revoked.push({ jwt, atMs: performance.now() })
          for (const { guard } of guards) await look(guard, revoked.at(-1)!)
        }
      }
      const checking = async () => {
        while (!isOver) {
          for (const { guard } of guards)
            if (revoked.length > 0) await look(guard, revoked[random(revoked.length)]!)
          await wait(2)
        }
      }
      const breathe = () => wait(100 + random(400))
      const faults: Record<string, () => Promise<void>> = {
        'an instance is killed': () => instances[random(2)]!.restart('SIGKILL'),
        'an instance is restarted': () => instances[random(2)]!.restart('SIGTERM'),
        'an instance is stopped': async () => {
          const instance = instances[random(2)]!
          instance.pause()
          await breathe()
          instance.resume()
        },
        'Redis is killed': async () => {
          const redis = await place.primary()
          await redis.kill()
          await breathe()
          await redis.restart()
        },
        'Redis is stopped': async () => {
          const redis = await place.primary()
          redis.pause()
          await breathe()
          redis.resume()
        },
        'connections are cut': async () => {
          isCut = true
          await breathe()
          isCut = false
        },
        'the feed is trimmed': async () => {
          const { client } = await place.primary()
          await client.xTrim('cierre:{c}:feed', 'MAXLEN', random(5)).catch(() => 0)
        },
        'a guard is replaced': async () => {
          const at = random(guards.length)
          await guards[at]!.guard.close()
          guards[at] = openGuard(guards[at]!.instance)
        },
        // Only Redis has lost revocations: as long as the instances live, none is forgotten. A server
        // that was replaced just now has nothing to lose.
        'Redis is flushed': async () => {
          await allReady()
          const before = await Promise.all(instances.map(({ losses }) => losses()))
          const flushed = await place.primary()
          await flushed.client.flushAll()
          await until('each instance has noticed the loss', async () => {
            const now = await Promise.all(instances.map(({ losses }) => losses()))
            const isReplaced = (await place.primary()) !== flushed
            return isReplaced || now.every((losses, index) => losses > before[index]!)
          })
          await allReady()
        },
      }
      const names = Object.keys(faults)
      const done: Record<string, number> = {}
      const breaking = async () => {
        // Every fault once, then faults at random.
        for (let step = 0; !isOver || step < names.length; step += 1) {
          const name =
            names[step < names.length ? (step + seed) % names.length : random(names.length)]!
          done[name] = (done[name] ?? 0) + 1
          await faults[name]!()
          await breathe()
        }
      }
      const checkers = [checking(), checking()]
      const breaker = breaking()
      try {
        await Promise.all([revoking(0), revoking(1), revoking(2), revoking(3)])
        // On a busy machine the guards learn late, within their bound, and few checks see a refusal.
        await until('many checks refused', () => tally.refused > revocations)
      } finally {
        isOver = true
      }
      await Promise.all([...checkers, breaker])

      await allReady()
      // After a late fault a guard may lag for as long as its bound allows.
      const lastAtMs = Math.max(...revoked.map(({ atMs }) => atMs))
      await until('every guard is fresh as of the last revocation', () =>
        guards.every(({ guard }) => performance.now() - guard.stats().stalenessMs > lastAtMs),
      )
      for (const one of revoked)
        for (const { guard } of guards)
          expect(await statusOf(guard, one.jwt), 'in the end').to.equal(401)
      for (const proxy of proxies) await proxy.stop()
      expect(
        violations.slice(0, 5),
        `${violations.length} violations; seed ${seed}; ${JSON.stringify(done)}`,
      ).to.deep.equal([])
      expect(tally.unknown, 'the faults were felt').to.be.above(0)
    })
  })
