import { expect } from 'chai'
import fc from 'fast-check'
import { createRevocation, introspect, revoke, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, sign } from '../support/tokens.js'

type Holder = { iss: string; sub: string; sid: string | undefined; jti: string; token: string }

const issuers = ['https://a', 'https://b']
/** Two issuers whose subjects, sessions and token ids have the same names. */
const slots = issuers.flatMap((iss) => ['alice', 'bob'].flatMap((sub) => ['one', 'two', undefined].map((sid) => ({ iss, sub, sid }))))

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('verify', 'introspect'), slot: fc.nat(slots.length - 1), instance: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('logout', 'revoke', 'by token', 'by session', 'by token id'), slot: fc.nat(slots.length - 1), instance: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('everywhere', 'by subject'), slot: fc.nat(slots.length - 1), instance: fc.nat(1) }) },
)

describe('interleavings over two instances and one Redis', () => {
  let redis: TestRedis
  let instances: TestService[]
  before(async () => {
    redis = await startRedis()
    const env = { REDIS_URL: redis.url, CLIENTS: clientsVariable, JWT_ISSUERS: JSON.stringify(issuers.map((issuer) => ({ issuer, secret: hmacSecret }))) }
    instances = [await startService(env), await startService(env)]
  })
  after(async () => {
    for (const instance of instances) await instance.stop()
    await redis.stop()
  })

  let run = 0
  /** What a plain model says must be refused: names, and nothing about keys or stores. */
  function createModel() {
    const dead = { tokens: new Set<Holder>(), sessions: new Set<string>(), subjects: new Set<string>(), ids: new Set<string>() }
    const name = (iss: string, what: string) => `${iss} ${what}`
    return {
      isRefused: (holder: Holder) =>
        dead.tokens.has(holder) || dead.subjects.has(name(holder.iss, holder.sub)) || dead.ids.has(name(holder.iss, holder.jti)) ||
        (holder.sid !== undefined && dead.sessions.has(name(holder.iss, holder.sid))),
      killToken: (holder: Holder) => void (holder.sid === undefined ? dead.tokens.add(holder) : dead.sessions.add(name(holder.iss, holder.sid))),
      killSubject: ({ iss, sub }: Holder) => void dead.subjects.add(name(iss, sub)),
      killSession: ({ iss, sid }: Holder) => void (sid !== undefined && dead.sessions.add(name(iss, sid))),
      killId: ({ iss, jti }: Holder) => void dead.ids.add(name(iss, jti)),
    }
  }

  it('property: after every 200, what the model refuses is refused by whichever instance is asked next, and nothing else is', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (script) => {
      run += 1
      const named = slots.map(({ iss, sub, sid }, at) => ({
        iss, sub: `${sub}-${run}`, sid: sid && `${sub}-${sid}-${run}`, jti: `id-${at % (slots.length / 2)}-${run}`,
      }))
      const holders: Holder[] = await Promise.all(named.map(async (names) => ({ ...names, token: await sign(freshClaims(names)) })))
      const model = createModel()
      for (const { kind, slot, instance } of script) {
        const [holder, at] = [holders[slot]!, instances[instance]!]
        const { iss, sub, sid, jti, token } = holder
        const isRefused = model.isRefused(holder)
        const expectStatus = (status: number, expected: number) => expect(status, `${kind} of ${iss} ${sub}`).to.equal(expected)
        switch (kind) {
          case 'verify': expectStatus((await verify(at, token)).status, isRefused ? 401 : 200); break
          case 'introspect': expect((await introspect(at, token)).json).to.have.property('active', !isRefused); break
          case 'logout': expectStatus((await at.logout(token)).status, isRefused ? 401 : 200); if (!isRefused) model.killToken(holder); break
          case 'everywhere':
            expectStatus((await at.logout(token, { token, scope: 'global' })).status, isRefused ? 401 : 200)
            if (!isRefused) [model.killToken, model.killSubject].forEach((kill) => kill(holder))
            break
          case 'revoke': expectStatus((await revoke(at, token)).status, 200); model.killToken(holder); break
          case 'by token': expectStatus((await createRevocation(at, { token, reason: 'admin' })).status, 200); model.killToken(holder); break
          case 'by session':
            if (sid !== undefined) expectStatus((await createRevocation(at, { iss, sid, reason: 'admin' })).status, 200)
            model.killSession(holder)
            break
          case 'by subject': expectStatus((await createRevocation(at, { iss, sub, reason: 'admin' })).status, 200); model.killSubject(holder); break
          case 'by token id': expectStatus((await createRevocation(at, { iss, jti, exp: Math.floor(Date.now() / 1000) + 600, reason: 'admin' })).status, 200); model.killId(holder); break
        }
        for (const other of [0, 1]) {
          const witness = holders[(slot + other * 5) % holders.length]!
          expectStatus((await verify(instances[1 - instance]!, witness.token)).status, model.isRefused(witness) ? 401 : 200)
        }
      }
    }), { numRuns: 1_000 })
  }).timeout(300_000)
})
