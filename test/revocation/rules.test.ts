import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import { commitOf, type Preconditions } from '../../src/revocation/commit.js'
import { isRevokedBy, merge, valueOf, type Entry } from '../../src/revocation/entry.js'
import { createLiveSet } from '../../src/revocation/live-set.js'
import { openStores } from '../../src/store/open.js'
import type { Stores } from '../../src/store/stores.js'
import { parseCanonical } from '../../src/token/canonical-encoding.js'
import { tokenKeys, type RevocationKey } from '../../src/token/keys.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { hmacSecret } from '../support/tokens.js'

/** The Python client in a process of its own: a line for each case, a line for each answer. */
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

// Far enough apart that the time which a case takes does not matter.
const lifeStepMs = 60_000
const mostLives = 20
const write = fc.record({
  kind: fc.constantFrom('t' as const, 's' as const, 'u' as const, 'j' as const),
  isOfToken: fc.boolean(),
  lives: fc.option(fc.integer({ min: 1, max: mostLives })),
  cutoffOffsetS: fc.integer({ min: -2, max: 2 }),
})
const oneCase = fc.record({
  commits: fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
  // Cutoffs alone: another entry of the token would revoke it whatever its cutoff is.
  isSubjectOnly: fc.boolean(),
  issuedAt: fc.constantFrom('whole', 'whole', 'half', 'absent', 'text'),
  hasSession: fc.boolean(),
  laterLives: fc.integer({ min: 0, max: mostLives }),
})

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

  let runs = 0
  it('property: in Lua, the embedded store, the live set and the Python client', async () => {
    await fc.assert(
      fc.asyncProperty(
        oneCase,
        async ({ commits, isSubjectOnly, issuedAt, hasSession, laterLives }) => {
          runs += 1
          const nowMs = Date.now()
          clockMs = nowMs
          const iatS = Math.floor(nowMs / 1000) - 10_000
          const iat = { whole: iatS, half: iatS + 0.5, absent: undefined, text: String(iatS) }[
            issuedAt
          ]
          const claims = {
            iss: 'rules',
            sub: `sub ${runs}`,
            ...(hasSession && { sid: `sid ${runs}` }),
            jti: `jti ${runs}`,
            iat,
          }
          const jwt = unsigned(claims)
          const keys = tokenKeys(parseCanonical(jwt), claims)
          const ofOthers = tokenKeys(parseCanonical(unsigned({ runs })), {
            iss: 'rules',
            sub: `other ${runs}`,
            sid: `other ${runs}`,
            jti: `other ${runs}`,
          })
          const written = commits.map((writes) =>
            writes.flatMap(({ kind: any, isOfToken, lives, cutoffOffsetS }): Entry[] => {
              const kind = isSubjectOnly ? 'u' : any
              const key = (isOfToken ? keys : ofOthers)[kind]
              if (key === undefined) return []
              const untilMs = lives === null ? null : nowMs + lives * lifeStepMs
              return [{ key, untilMs, ...(kind === 'u' && { cutoff: iatS + cutoffOffsetS }) }]
            }),
          )

          // The rules as entry.ts states them.
          const held = new Map<RevocationKey, Entry>()
          for (const entry of written.flat()) {
            const before = held.get(entry.key)
            held.set(entry.key, before === undefined ? entry : merge(before, entry))
          }
          const expectedAt = (atMs: number) =>
            Object.values(keys).some((key: RevocationKey) => {
              const entry = held.get(key)
              const isLive = entry !== undefined && (entry.untilMs === null || entry.untilMs > atMs)
              return isLive && isRevokedBy(key, valueOf(entry), iat)
            })
          const laterMs = nowMs + (laterLives + 0.5) * lifeStepMs
          const preconditions: Preconditions = {
            keys: Object.values(keys) as [RevocationKey, ...RevocationKey[]],
            issuedAtS: typeof iat === 'number' ? iat : undefined,
            untilMs: null,
            isKnownRevoked: false,
          }
          const revokedIn = async ({ revocations }: Stores) =>
            (await revocations.commit(commitOf([], { preconditions }))).outcome ===
            'already_revoked'

          for (const entries of written) {
            await inRedis.revocations.commit(commitOf(entries))
            await inMemory.revocations.commit(commitOf(entries))
          }
          // The order makes no difference, so the other two get the last entry first.
          const reversed = written.flat().reverse()
          const liveSet = createLiveSet(() => clockMs)
          reversed.forEach(liveSet.add)
          const inPython = await python.ask({ entries: reversed, token: jwt, nowMs })
          const inLiveSet = () =>
            Object.values(keys).some((key: RevocationKey) =>
              isRevokedBy(key, liveSet.find(key), iat),
            )

          for (const entry of held.values()) {
            const { key, untilMs } = entry
            const [ofRedis, ofMemory] = [
              await inRedis.revocations.lookup(key),
              await inMemory.revocations.lookup(key),
            ]
            expect(ofMemory, 'the embedded store').to.deep.equal(entry)
            expect(ofRedis?.cutoff, 'Lua').to.equal(entry.cutoff)
            if (untilMs === null) expect(ofRedis?.untilMs, 'Lua').to.equal(null)
            else expect(ofRedis?.untilMs, 'Lua').to.be.within(untilMs - 5_000, untilMs + 5_000)
            expect(liveSet.find(key), 'the live set').to.equal(valueOf(entry))
            expect(liveSet.covers(entry), 'the live set').to.equal(true)
            expect(inPython.held[key], 'Python').to.deep.equal([untilMs, entry.cutoff ?? null])
          }
          expect(Object.keys(inPython.held), 'Python').to.have.length(held.size)
          expect(liveSet.size(), 'the live set').to.equal(held.size)

          const isRevoked = expectedAt(nowMs)
          expect(await revokedIn(inRedis), 'Lua').to.equal(isRevoked)
          expect(await revokedIn(inMemory), 'the embedded store').to.equal(isRevoked)
          expect(inLiveSet(), 'the live set').to.equal(isRevoked)
          expect(inPython.revoked, 'Python').to.equal(isRevoked)

          // Redis expires entries by its own clock, which no test can move.
          clockMs = laterMs
          const isRevokedLater = expectedAt(laterMs)
          const later = await python.ask({ entries: reversed, token: jwt, nowMs: laterMs })
          expect(await revokedIn(inMemory), 'the embedded store, later').to.equal(isRevokedLater)
          expect(inLiveSet(), 'the live set, later').to.equal(isRevokedLater)
          expect(later.revoked, 'Python, later').to.equal(isRevokedLater)
        },
      ),
      { numRuns: 300 },
    )
  }).timeout(60_000)
})
