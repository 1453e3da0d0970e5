import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { commitOf, type Preconditions } from '../../src/revocation/commit.js'
import { entryWith, isRevokedBy, merge, valueOf, type Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { openStores } from '../../src/store/open.js'
import type { Stores } from '../../src/store/stores.js'
import { parseCanonical } from '../../src/token/canonical-encoding.js'
import { keyKinds, tokenKeys, type RevocationKey } from '../../src/token/keys.js'
import { quietOutages } from '../support/outages.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret } from '../support/tokens.js'

/** The Python client in its own process: a line for each case, and a line for each answer. */
function startPython() {
  const program = fileURLToPath(new URL('../python/second.py', import.meta.url))
  const child: ChildProcess = spawn('python3', [program, 'rules'], {
    env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  return {
    async ask(question: { entries: Entry[]; token: string; nowMs: number }) {
      child.stdin!.write(`${JSON.stringify(question)}\n`)
      return JSON.parse(String((await lines.next()).value)) as {
        held: Record<string, [untilMs: number | null, cutoff: number | null]>
        revoked: boolean
      }
    },
    async stop() {
      const ended = once(child, 'exit')
      child.stdin!.end()
      await ended
    },
  }
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (claims: object) => `${base64url({ alg: 'HS256' })}.${base64url(claims)}.AAAA`

// Far enough apart that the duration of a case does not matter.
const lifeStepMs = 60_000
const mostLives = 20
const write = fc.record({
  kind: fc.constantFrom(...keyKinds),
  isOfToken: fc.boolean(),
  lives: fc.option(fc.integer({ min: 1, max: mostLives })),
  cutoffOffsetS: fc.integer({ min: -2, max: 2 }),
})
const drawn = fc.record({
  commits: fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  // Only cutoffs: any other entry of the token would revoke it in any case.
  isSubjectOnly: fc.boolean(),
  issuedAt: fc.constantFrom('whole', 'whole', 'half', 'absent', 'text'),
  hasSession: fc.boolean(),
  laterLives: fc.integer({ min: 0, max: mostLives }),
})

type Write = typeof write extends fc.Arbitrary<infer Of> ? Of : never
type Drawn = typeof drawn extends fc.Arbitrary<infer Of> ? Of : never
type Case = {
  commits: Entry[][]
  jwt: string
  keys: readonly RevocationKey[]
  issuedAt: unknown
  nowMs: number
  laterMs: number
}

let runs = 0
/** Entries for one token and for another, with cutoffs around the token's `iat`. */
function caseOf({ commits, isSubjectOnly, issuedAt, hasSession, laterLives }: Drawn): Case {
  runs += 1
  const nowMs = Date.now()
  const iatS = Math.floor(nowMs / 1000) - 10_000
  const iat = { whole: iatS, half: iatS + 0.5, absent: undefined, text: String(iatS) }[issuedAt]
  const claimsOf = (name: string) => ({
    iss: 'rules',
    sub: `${name} ${runs}`,
    ...(hasSession && { sid: `${name} ${runs}` }),
    jti: `${name} ${runs}`,
    iat,
  })
  const jwtOf = (name: string) => unsigned(claimsOf(name))
  const keysOf = (name: string) => tokenKeys(parseCanonical(jwtOf(name)), claimsOf(name))
  const entryOf = ({ kind, isOfToken, lives, cutoffOffsetS }: Write): Entry[] => {
    const cutoffKind = kind === 'n' ? 'n' : 'u'
    const key = keysOf(isOfToken ? 'this' : 'other')[isSubjectOnly ? cutoffKind : kind]
    if (key === undefined) return []
    const untilMs = lives === null ? null : nowMs + lives * lifeStepMs
    return [entryWith(key, untilMs, iatS + cutoffOffsetS)]
  }
  return {
    commits: commits.map((writes) => writes.flatMap(entryOf)),
    jwt: jwtOf('this'),
    keys: Object.values(keysOf('this')),
    issuedAt: iat,
    nowMs,
    laterMs: nowMs + (laterLives + 0.5) * lifeStepMs,
  }
}

/** What the rules of `entry.ts` make of a case. */
function expectedOf({ commits, keys, issuedAt }: Case) {
  const held = new Map<RevocationKey, Entry>()
  for (const entry of commits.flat()) {
    const before = held.get(entry.key)
    held.set(entry.key, before === undefined ? entry : merge(before, entry))
  }
  const isRevokedAt = (atMs: number) =>
    keys.some((key) => {
      const entry = held.get(key)
      const isLive = entry !== undefined && (entry.untilMs === null || entry.untilMs > atMs)
      return isLive && isRevokedBy(key, valueOf(entry), issuedAt)
    })
  return { held, isRevokedAt }
}

describe('the merge rule and "is revoked by" are the same everywhere', () => {
  let redis: TestRedis
  let inRedis: Stores
  let inMemory: Stores
  let python: ReturnType<typeof startPython>
  let clockMs = 0
  const open = (url: string, now: () => number) =>
    openStores({
      config: parseConfig({ JWT_SECRET: hmacSecret, REDIS_URL: url }),
      log: pino({ level: 'silent' }),
      now,
      observe: () => undefined,
      outages: quietOutages(),
    })

  before(async () => {
    python = startPython()
    redis = await startRedis(['--appendfsync', 'no'])
    inRedis = open(redis.url, Date.now)
    inMemory = open('memory:', () => clockMs)
    await until('connected', () =>
      inRedis.checkHealth().then(
        () => true,
        () => false,
      ),
    )
  })
  after(async () => {
    await python.stop()
    await inRedis.close()
    await inMemory.close()
    await redis.stop()
  })

  const isRevokedIn = async ({ revocations }: Stores, { keys, issuedAt }: Case) => {
    const preconditions: Preconditions = {
      keys: keys as [RevocationKey, ...RevocationKey[]],
      issuedAtS: typeof issuedAt === 'number' ? issuedAt : undefined,
      untilMs: null,
      isKnownRevoked: false,
    }
    const { outcome } = await revocations.commit(commitOf([], { preconditions }))
    return outcome === 'already_revoked'
  }
  const expectHeldInStores = async (entry: Entry) => {
    const [ofRedis, ofMemory] = await Promise.all(
      [inRedis, inMemory].map(({ revocations }) => revocations.lookup(entry.key)),
    )
    expect(ofMemory, 'the embedded store').to.deep.equal(entry)
    expect(ofRedis?.cutoff, 'Lua').to.equal(entry.cutoff)
    const { untilMs } = entry
    if (untilMs === null) expect(ofRedis?.untilMs, 'Lua').to.equal(null)
    else expect(ofRedis?.untilMs, 'Lua').to.be.within(untilMs - 5_000, untilMs + 5_000)
  }

  const expectTheSame = async (one: Case) => {
    const { commits, jwt, keys, issuedAt, nowMs, laterMs } = one
    const { held, isRevokedAt } = expectedOf(one)
    clockMs = nowMs
    for (const entries of commits) {
      await inRedis.revocations.commit(commitOf(entries))
      await inMemory.revocations.commit(commitOf(entries))
    }
    // The order makes no difference, so the live set and Python get the last entry first.
    const reversed = commits.flat().reverse()
    const liveSet = createLiveSet(() => clockMs)
    reversed.forEach(liveSet.add)
    const isRevokedInLiveSet = () =>
      keys.some((key) => isRevokedBy(key, liveSet.find(key), issuedAt))
    const now = await python.ask({ entries: reversed, token: jwt, nowMs })
    const later = await python.ask({ entries: reversed, token: jwt, nowMs: laterMs })

    for (const entry of held.values()) {
      await expectHeldInStores(entry)
      expect(liveSet.find(entry.key), 'the live set').to.equal(valueOf(entry))
      expect(liveSet.covers(entry), 'the live set').to.equal(true)
      expect(now.held[entry.key], 'Python').to.deep.equal([entry.untilMs, entry.cutoff ?? null])
    }
    expect(Object.keys(now.held), 'Python').to.have.length(held.size)
    expect(liveSet.size(), 'the live set').to.equal(held.size)

    expect(await isRevokedIn(inRedis, one), 'Lua').to.equal(isRevokedAt(nowMs))
    expect(await isRevokedIn(inMemory, one), 'the embedded store').to.equal(isRevokedAt(nowMs))
    expect(isRevokedInLiveSet(), 'the live set').to.equal(isRevokedAt(nowMs))
    expect(now.revoked, 'Python').to.equal(isRevokedAt(nowMs))

    // Redis expires entries by its own clock, which no test can move.
    clockMs = laterMs
    expect(await isRevokedIn(inMemory, one), 'the store, later').to.equal(isRevokedAt(laterMs))
    expect(isRevokedInLiveSet(), 'the live set, later').to.equal(isRevokedAt(laterMs))
    expect(later.revoked, 'Python, later').to.equal(isRevokedAt(laterMs))
  }

  it('property: in Lua, the embedded store, the live set and the Python client', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, (of) => expectTheSame(caseOf(of))),
      { numRuns: 300 },
    )
  })
})
