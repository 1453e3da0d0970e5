import { expect } from 'chai'
import fc from 'fast-check'
import { GuardError, type Guard, type Login } from '../../src/guard.js'
import { openGuard } from '../../src/guard/guard.js'
import { readCheckOptions } from '../../src/guard/options.js'
import type { CheckOptions } from '../../src/guard/types.js'
import { entryWith } from '../../src/revocation/entry.js'
import { createLiveSet, type LiveSet } from '../../src/revocation/live-set.js'
import { claimKey, type RevocationKey } from '../../src/token/keys.js'
import { createRevocation } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard, statusOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { startService } from '../support/service.js'
import { freshClaims, hmacSecret, nowS, sign, token } from '../support/tokens.js'

const iss = 'https://issuer.test'
const named = [{ issuer: iss, secret: hmacSecret }]

/** A guard over these revocations, with a follower that is as fresh as it is told to be. */
function open(options: CheckOptions, liveSet: LiveSet, freshness: { isFresh: boolean }): Guard {
  return openGuard(readCheckOptions(options), {
    liveSet,
    follow: () => ({
      start: () => undefined,
      patience: () => ({ leftMs: () => 0, inAllMs: () => 0 }),
      fresh: async () => undefined,
      position: () => undefined,
      stalenessMs: () => (freshness.isFresh ? 0 : Infinity),
      isFresh: () => freshness.isFresh,
      counts: () => ({ snapshots: 1, gaps: 0, reconnects: 0 }),
      close: async () => undefined,
    }),
  })
}

/** What `check` would have answered about a token of the login. */
async function statusOfLogin(guard: Guard, login: Login): Promise<number> {
  try {
    return (await guard.isRevoked(login)) ? 401 : 200
  } catch (error) {
    if (error instanceof GuardError) return error.status
    throw error
  }
}

const claimOf = fc.constantFrom('a', 'b', 42, undefined)
const offset = fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined })
const drawnEntry = fc.record({
  kind: fc.constantFrom('s' as const, 'u' as const, 'n' as const),
  claim: fc.constantFrom('a', 'b', '42'),
  isOfIssuer: fc.boolean(),
  lives: fc.constantFrom(-60_000, 60_000, null),
  cutoffOffsetS: fc.integer({ min: -2, max: 2 }),
})
const drawn = fc.record({
  hasIssuer: fc.boolean(),
  cutoffClaim: fc.constantFrom('iat' as const, 'auth_time' as const),
  isFresh: fc.boolean(),
  claims: fc
    .record({ sub: claimOf, sid: claimOf })
    .filter(({ sub, sid }) => sub !== undefined || sid !== undefined),
  iatOffsetS: offset,
  authTimeOffsetS: offset,
  isHalf: fc.boolean(),
  entries: fc.array(drawnEntry, { maxLength: 4 }),
})
type Drawn = typeof drawn extends fc.Arbitrary<infer Of> ? Of : never

describe('isRevoked: whether a login has ended, for an issuer that renews tokens', () => {
  const statuses = { 200: 0, 401: 0, 503: 0 }
  const expectTheSame = async (one: Drawn) => {
    const baseS = nowS(-1_000)
    const at = (offsetS: number | undefined) =>
      offsetS === undefined ? undefined : baseS + offsetS + (one.isHalf ? 0.5 : 0)
    const liveSet = createLiveSet(Date.now)
    const issuer = one.hasIssuer ? iss : undefined
    for (const { kind, claim, isOfIssuer, lives, cutoffOffsetS } of one.entries) {
      const key: RevocationKey = claimKey(kind, isOfIssuer ? issuer : 'other', claim)!
      const untilMs = lives === null ? null : Date.now() + lives
      liveSet.add(entryWith(key, untilMs, baseS + cutoffOffsetS))
    }
    const issuers = one.hasIssuer ? named : [{ secret: hmacSecret }]
    const guard = open({ issuers, cutoffClaim: one.cutoffClaim }, liveSet, one)
    const [iat, authTime] = [at(one.iatOffsetS), at(one.authTimeOffsetS)]
    const claims = freshClaims({ iss: issuer, ...one.claims, iat, auth_time: authTime })
    const status = await statusOf(guard, await sign(claims))
    const login = { iss: issuer ?? null, ...one.claims, iat, authTime }
    expect(await statusOfLogin(guard, login)).to.equal(status)
    statuses[status as keyof typeof statuses] += 1
    await guard.close()
  }

  it('property: answers as check does for a token with the same claims', async () => {
    await fc.assert(fc.asyncProperty(drawn, expectTheSame), { numRuns: 500 })
    for (const [status, count] of Object.entries(statuses)) expect(count, status).to.be.above(20)
  })

  it('true as soon as the service has revoked the session or the subject, and after closing 503 for another', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    const guard = startGuard(service.origin)
    try {
      await guard.ready()
      const session = freshClaims() as Record<string, string>
      const login = { iss, sub: session['sub'], sid: session['sid'], iat: nowS() }
      const other = { iss, sub: 'carol', sid: 'another', iat: nowS(-60) }
      expect(await guard.isRevoked(login)).to.equal(false)
      expect((await service.logout(await token(session))).status).to.equal(200)
      await until('the login has ended', () => guard.isRevoked(login))
      expect(await guard.isRevoked(other)).to.equal(false)
      await createRevocation(service, { iss, sub: 'carol', reason: 'admin' })
      await until('every login of carol has ended', () => guard.isRevoked(other))
      expect(await guard.isRevoked({ ...other, iat: nowS(2) }), 'a later login').to.equal(false)
      expect(await guard.isRevoked({ iss, sub: 'carol' }), 'no iat').to.equal(true)
      await guard.close()
      expect(await statusOfLogin(guard, login)).to.equal(401)
      expect(await statusOfLogin(guard, { iss, sub: 'dave' })).to.equal(503)
    } finally {
      await guard.close()
      await service.stop()
    }
  })

  it('503 while it is stale, also where onUnknown would let a token pass', async () => {
    const options: CheckOptions = { issuers: named, onUnknown: () => 'active' }
    const guard = open(options, createLiveSet(Date.now), { isFresh: false })
    expect(await statusOf(guard, await token({ sub: 'alice' }))).to.equal(200)
    expect(await statusOfLogin(guard, { iss, sub: 'alice' })).to.equal(503)
    await guard.close()
  })

  it('TypeError: where the issuer is unchecked, an iss or null is needed', async () => {
    const guard = open({ issuers: [{ secret: hmacSecret }] }, createLiveSet(Date.now), {
      isFresh: true,
    })
    const error: unknown = await guard
      .isRevoked({ sub: 'alice' })
      .catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(TypeError)
    expect((error as Error).message).to.equal(
      'isRevoked: iss is needed: that of the tokens, or null where they have none',
    )
    for (const stated of [null, iss])
      expect(await guard.isRevoked({ iss: stated, sub: 'alice' })).to.equal(false)
    await guard.close()
  })

  const sub = 'alice'
  const name = 'must be a string that is not empty, or a whole number'
  const time = 'must be seconds since 1970, and not lie ahead'
  for (const [what, login, lines] of [
    ['no object', 'alice', ['login must be an object']],
    ['nothing', undefined, ['login is undefined']],
    ['no name', { iss }, ['sub or sid is needed']],
    ['no issuer', { sub }, ['iss must be an issuer of this guard']],
    ['an unknown issuer', { iss: `${iss}/`, sub }, ['iss must be an issuer of this guard']],
    [
      'claims as they are',
      { iss, sub, auth_time: 1 },
      ['login has members that are not known: auth_time (did you mean authTime?)'],
    ],
    ['milliseconds', { iss, sub, iat: Date.now() }, [`iat ${time}`]],
    ['a time that lies ahead', { iss, sub, authTime: nowS(120) }, [`authTime ${time}`]],
    ['NaN', { iss, sub, iat: NaN }, [`iat ${time}`]],
    ['a date', { iss, sub, iat: new Date() }, [`iat ${time}`]],
    ['null', { iss, sub: null, sid: null }, [`sub ${name}`, `sid ${name}`]],
    [
      'everything at once',
      { iss: 7, sub: '', sid: 1.5, iat: '1', authTime: null, jti: 'x' },
      [
        'login has members that are not known: jti',
        'iss must be a string that is not empty',
        'iss must be an issuer of this guard',
        `sub ${name}`,
        `sid ${name}`,
        `iat ${time}`,
        `authTime ${time}`,
      ],
    ],
  ] as [string, unknown, string[]][]) {
    it(`TypeError: ${what}`, async () => {
      const guard = open({ issuers: named }, createLiveSet(Date.now), { isFresh: true })
      const error: unknown = await guard
        .isRevoked(login as Login)
        .catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(TypeError)
      expect((error as Error).message.split('\n')).to.deep.equal(
        lines.map((line) => `isRevoked: ${line}`),
      )
      await guard.close()
    })
  }
})
