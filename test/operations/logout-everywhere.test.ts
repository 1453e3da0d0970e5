import { expect } from 'chai'
import fc from 'fast-check'
import { claimKey } from '../../src/token/keys.js'
import { createRevocation, getRevocation, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, sign, type Claims } from '../support/tokens.js'

const iss = 'https://issuer.test'
const skewS = 60

/** Tokens of an issuer whose clock is `offsetS` ahead, in one of these shapes. */
const drawn = fc.record({
  hasIat: fc.boolean(),
  authTime: fc.constantFrom('number', 'number', 'text', 'absent'),
  offsetS: fc.integer({ min: 0, max: skewS - 1 }),
  ageS: fc.integer({ min: 0, max: 500 }),
  nowMs: fc.integer({ min: 0, max: 5_000 }),
})
type Drawn = typeof drawn extends fc.Arbitrary<infer Of> ? Of : never

for (const cutoffClaim of ['iat', 'auth_time'] as const) {
  describe(`a logout everywhere with CUTOFF_CLAIM=${cutoffClaim}`, () => {
    const beginMs = Date.now()
    let nowMs = beginMs
    let service: TestService
    before(async () => {
      service = await startService(
        { CLIENTS: clientsVariable, CUTOFF_CLAIM: cutoffClaim, MAX_CLOCK_SKEW_S: String(skewS) },
        { now: () => nowMs },
      )
    })
    after(() => service.stop())

    let subjects = 0
    /** Claims as the issuer writes them at `atMs`, for a user who logged in then. */
    const claimsAt = (atMs: number, sub: string, { hasIat, authTime, offsetS }: Drawn): Claims => {
      const timeS = Math.floor(atMs / 1000) + offsetS
      const authTimes = { number: timeS, text: String(timeS), absent: undefined }
      const iat = hasIat ? timeS : undefined
      const exp = Math.floor(nowMs / 1000) + 3_600
      return freshClaims({ sub, iat, auth_time: authTimes[authTime], exp })
    }
    const logoutEverywhere = (jwt: string) => service.logout(jwt, { token: jwt, scope: 'global' })

    it('property: 200, and the next login works two seconds later; or 400 no_issued_at, and nothing is revoked', async () => {
      const counts = { 200: 0, 400: 0 }
      await fc.assert(
        fc.asyncProperty(drawn, async (shape) => {
          nowMs = Math.max(nowMs, beginMs) + shape.nowMs
          const sub = `subject ${(subjects += 1)}`
          const claims = claimsAt(nowMs - shape.ageS * 1000, sub, shape)
          const jwt = await sign(claims)
          const answer = await logoutEverywhere(jwt)
          const isDated =
            shape.hasIat || (cutoffClaim === 'auth_time' && shape.authTime === 'number')
          counts[answer.status as 200 | 400] += 1
          const state = (await getRevocation(service, String(claimKey('u', iss, sub)))).json
          if (!isDated) {
            expect([answer.status, answer.headers['x-error-reason'], answer.json]).to.deep.equal([
              400,
              'no_issued_at',
              { success: false, message: 'Solicitud inválida' },
            ])
            expect((await verify(service, jwt)).status).to.equal(200)
            expect(state).to.include({ revoked: false })
            return
          }
          expect(answer.status).to.equal(200)
          expect((state as { cutoff: number }).cutoff).to.be.at.most(
            Math.ceil(nowMs / 1000) + skewS,
          )
          const other = await sign({ ...claims, sid: 'other', jti: 'other' })
          expect((await verify(service, other)).status, 'another session').to.equal(401)
          if (typeof claims['auth_time'] === 'number') {
            const refreshed = await sign({
              ...claims,
              sid: 'other',
              iat: Math.floor(nowMs / 1000) + shape.offsetS + 2,
            })
            nowMs += 2_000
            expect((await verify(service, refreshed)).status, 'a refreshed token').to.equal(
              cutoffClaim === 'auth_time' ? 401 : 200,
            )
          } else nowMs += 2_000
          const login = await sign(claimsAt(nowMs, sub, shape))
          expect((await verify(service, login)).status, 'the next login').to.equal(200)
        }),
        { numRuns: 150 },
      )
      for (const [status, count] of Object.entries(counts)) expect(count, status).to.be.above(10)
    })

    it('400 no_issued_at: also where only the token of the body does not say when it was issued', async () => {
      const claims = freshClaims({
        exp: Math.floor(nowMs / 1000) + 600,
        iat: Math.floor(nowMs / 1000),
      })
      const bearer = await sign(claims)
      const named = await sign({ ...claims, iat: undefined, jti: 'refresh' })
      const answer = await service.logout(bearer, { token: named, scope: 'global' })
      expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([400, 'no_issued_at'])
      expect((await verify(service, bearer)).status).to.equal(200)
      expect((await service.logout(bearer, { token: named })).status, 'of the session').to.equal(
        200,
      )
    })

    it('200: a revocation of a subject by name says that tokens without the claim stay refused, and they do', async () => {
      const sub = 'undated'
      const answer = await createRevocation(service, { iss, sub, reason: 'admin' })
      expect(answer.status).to.equal(200)
      expect(answer.json).to.include({ tokensWithoutIssuedAt: 'refused' })
      nowMs += 3_600_000
      const exp = Math.floor(nowMs / 1000) + 600
      const undated = await sign(freshClaims({ sub, iat: undefined, exp }))
      const dated = await sign(freshClaims({ sub, iat: Math.floor(nowMs / 1000), exp }))
      expect((await verify(service, undated)).status).to.equal(401)
      expect((await verify(service, dated)).status).to.equal(200)
      for (const other of [
        { iss, sid: 'x', reason: 'admin' },
        { iss, jti: 'x', exp, reason: 'admin' },
      ])
        expect((await createRevocation(service, other)).json).not.to.have.property(
          'tokensWithoutIssuedAt',
        )
    })

    it(
      cutoffClaim === 'iat'
        ? 'no warning of tokens without auth_time'
        : 'a warning of tokens without auth_time, once an hour: refreshed ones work on',
      async () => {
        const warnings = () =>
          service.logged().filter(({ level, claim }) => level === 'warn' && claim === 'auth_time')
        const before = warnings().length
        nowMs += 3_600_000
        const exp = Math.floor(nowMs / 1000) + 600
        for (const iat of [exp - 600, exp - 601])
          await verify(service, await sign(freshClaims({ iat, exp })))
        const added = warnings().slice(before)
        expect(added.map(({ issuer }) => issuer)).to.deep.equal(
          cutoffClaim === 'iat' ? [] : ['(any)'],
        )
        for (const { msg } of added) expect(msg).to.include('refreshed')
      },
    )
  })
}
