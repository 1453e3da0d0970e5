import { expect } from 'chai'
import fc from 'fast-check'
import { createRevocation, introspect, revoke, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, nowS, sign } from '../support/tokens.js'

type Holder = {
  iss: string
  sub: string
  sid: string | undefined
  jti: string
  later: boolean
  token: string
}

const issuers = ['https://a', 'https://b']
const logins = [{ sid: 'one' }, { sid: 'two' }, { sid: undefined }, { sid: 'three', later: true }]
/** Two issuers with equal names of subjects, sessions and token ids. Each subject has a later login. */
const slots = issuers.flatMap((iss) =>
  ['alice', 'bob'].flatMap((sub) =>
    logins.map(({ sid, later = false }) => ({ iss, sub, sid, later })),
  ),
)

const checking = ['verify', 'introspect'] as const
const revoking = [
  'logout',
  'everywhere',
  'revoke',
  'by token',
  'by session',
  'by subject',
  'by token id',
] as const
type Step = { kind: (typeof checking | typeof revoking)[number]; slot: number }
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...checking, ...checking, ...revoking),
  slot: fc.nat(slots.length - 1),
})
/** One step, or two at the same time, one on each instance. */
const round = fc.record({ first: fc.nat(1), steps: fc.array(step, { minLength: 1, maxLength: 2 }) })

/** A plain model of what must be refused. It knows names, and neither keys nor stores. */
function createModel() {
  const revoked = {
    tokens: new Set<Holder>(),
    sessions: new Set<string>(),
    ids: new Set<string>(),
    subjects: new Map<string, 'earlier' | 'all'>(),
  }
  const name = (iss: string, what: string) => `${iss} ${what}`
  const revokeSession = ({ iss, sid }: Holder) =>
    void (sid !== undefined && revoked.sessions.add(name(iss, sid)))
  const revokeToken = (holder: Holder) =>
    holder.sid === undefined ? void revoked.tokens.add(holder) : revokeSession(holder)
  const revokeSubject = ({ iss, sub }: Holder, which: 'earlier' | 'all') => {
    if (revoked.subjects.get(name(iss, sub)) !== 'all') revoked.subjects.set(name(iss, sub), which)
  }
  return {
    isRefused: (holder: Holder) => {
      const { iss, sub, sid, jti, later } = holder
      const cutoff = revoked.subjects.get(name(iss, sub))
      return (
        revoked.tokens.has(holder) ||
        cutoff === 'all' ||
        (cutoff === 'earlier' && !later) ||
        revoked.ids.has(name(iss, jti)) ||
        (sid !== undefined && revoked.sessions.has(name(iss, sid)))
      )
    },
    apply(kind: Step['kind'], holder: Holder) {
      if (kind === 'logout' || kind === 'everywhere' || kind === 'revoke' || kind === 'by token')
        revokeToken(holder)
      if (kind === 'everywhere') revokeSubject(holder, holder.later ? 'all' : 'earlier')
      if (kind === 'by subject') revokeSubject(holder, 'earlier')
      if (kind === 'by session') revokeSession(holder)
      if (kind === 'by token id') revoked.ids.add(name(holder.iss, holder.jti))
    },
  }
}

async function perform(
  at: TestService,
  kind: Step['kind'],
  { iss, sub, sid, jti, token }: Holder,
): Promise<{ status: number; active?: boolean }> {
  switch (kind) {
    case 'verify':
      return verify(at, token)
    case 'introspect':
      return {
        status: 200,
        active: ((await introspect(at, token)).json as { active: boolean }).active,
      }
    case 'logout':
      return at.logout(token)
    case 'everywhere':
      return at.logout(token, { token, scope: 'global' })
    case 'revoke':
      return revoke(at, token)
    case 'by token':
      return createRevocation(at, { token, reason: 'admin' })
    case 'by session':
      return sid === undefined
        ? { status: 200 }
        : createRevocation(at, { iss, sid, reason: 'admin' })
    case 'by subject':
      return createRevocation(at, { iss, sub, reason: 'admin' })
    case 'by token id':
      return createRevocation(at, { iss, jti, exp: nowS(600), reason: 'admin' })
  }
}

describe('interleavings over two instances and one Redis', () => {
  let redis: TestRedis
  let instances: TestService[]
  before(async () => {
    redis = await startRedis()
    const env = {
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify(issuers.map((issuer) => ({ issuer, secret: hmacSecret }))),
    }
    instances = [await startService(env), await startService(env)]
  })
  after(async () => {
    for (const instance of instances) await instance.stop()
    await redis.stop()
  })

  let run = 0
  const login = async (
    { iss, sub, sid, later }: (typeof slots)[number],
    at: number,
  ): Promise<Holder> => {
    const names = {
      iss,
      sub: `${sub}-${run}`,
      sid: sid && `${sub}-${sid}-${run}`,
      jti: `id-${at % (slots.length / 2)}-${run}`,
    }
    return {
      ...names,
      later,
      token: await sign(freshClaims({ ...names, iat: nowS(later ? 30 : 0) })),
    }
  }

  it('property: after every 200 each instance refuses exactly what the model refuses', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 6 }), async (script) => {
        run += 1
        const holders = await Promise.all(slots.map(login))
        const model = createModel()
        for (const { first, steps } of script) {
          const before = steps.map(({ slot }) => model.isRefused(holders[slot]!))
          const answers = await Promise.all(
            steps.map(({ kind, slot }, at) =>
              perform(instances[(first + at) % 2]!, kind, holders[slot]!),
            ),
          )
          answers.forEach(({ status, active }, at) => {
            const { kind, slot } = steps[at]!
            const mayBeRefused = kind === 'logout' || kind === 'everywhere'
            const expected = before[at] && mayBeRefused ? 401 : 200
            // Verify may answer from memory; it is checked below.
            if (kind === 'verify') return
            // Of two steps at the same time, the other one may have come first.
            if (steps.length === 1 || expected === 401 || !mayBeRefused)
              expect(status, `${kind} of ${slot}`).to.equal(expected)
            else expect(status).to.be.oneOf([200, 401])
            if (active !== undefined && (steps.length === 1 || before[at]))
              expect(active, `${kind} of ${slot}`).to.equal(!before[at])
            if (status === 200) model.apply(kind, holders[slot]!)
          })
          const checkedSlots = [
            ...steps.map(({ slot }) => slot),
            (steps[0]!.slot + 5) % holders.length,
          ]
          await Promise.all(
            checkedSlots.map(async (slot, at) => {
              const instance = instances[(first + at + 1) % 2]!
              const { token } = holders[slot]!
              const what = `of ${slot} after ${JSON.stringify(steps)}`
              const isRefused = model.isRefused(holders[slot]!)
              const { active } = await perform(instance, 'introspect', holders[slot]!)
              expect(active, `introspect ${what}`).to.equal(!isRefused)
              const isSo = async () =>
                (await verify(instance, token)).status === (isRefused ? 401 : 200)
              // From memory, where a revocation arrives soon; a token that is good is never refused.
              if (isRefused) await until(`verify ${what}`, isSo)
              else expect(await isSo(), `verify ${what}`).to.equal(true)
            }),
          )
        }
      }),
      { numRuns: 1_000 },
    )
  }).timeout(300_000)
})
