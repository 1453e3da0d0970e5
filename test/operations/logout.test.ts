import { expect } from 'chai'
import fc from 'fast-check'
import { repeats } from '../support/long.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, sign, freshClaims, token } from '../support/tokens.js'

const invalid = { success: false, message: 'Token no proporcionado o inválido' }
const expired = { success: false, message: 'El token ha expirado' }
const loggedOut = { success: true, message: 'Sesión cerrada exitosamente' }
const sentChallenge = /^Bearer realm="cierre", error="invalid_token", error_description="[ -~]+"$/

for (const kind of ['memory', 'redis'] as const) {
  describe(`logout on ${kind}`, () => {
    let redis: TestRedis | undefined
    let service: TestService

    before(async () => {
      redis = kind === 'redis' ? await startRedis() : undefined
      service = await startService({ REDIS_URL: redis?.url ?? 'memory:' })
    })
    after(async () => {
      await service.stop()
      await redis?.stop()
    })

    it('200: the token is revoked, and refused from then on', async () => {
      const jwt = await token()
      const first = await service.logout(jwt)
      expect([first.status, first.json]).to.deep.equal([200, loggedOut])
      const second = await service.logout(jwt)
      expect([second.status, second.json]).to.deep.equal([401, invalid])
      expect(second.headers['www-authenticate']).to.match(sentChallenge)
    })

    it('200: a token with a sid revokes its session, a token without one only itself', async () => {
      const claims = freshClaims()
      const [one, sibling] = [
        await sign(claims),
        await sign({ ...claims, jti: 'another-token-of-it' }),
      ]
      expect((await service.logout(one)).status).to.equal(200)
      expect((await service.logout(sibling)).status).to.equal(401)
      const lonely = freshClaims({ sid: undefined })
      const [first, second] = [await sign(lonely), await sign({ ...lonely, jti: 'second-one' })]
      expect((await service.logout(first)).status).to.equal(200)
      expect((await service.logout(second)).status).to.equal(200)
    })

    it('200: the body names another token of the same subject, and both are revoked', async () => {
      const claims = freshClaims()
      const [bearer, other] = [
        await sign(claims),
        await sign({ ...claims, sid: 'another-session', jti: 'x' }),
      ]
      expect((await service.logout(bearer, { token: other })).status).to.equal(200)
      expect((await service.logout(bearer)).status).to.equal(401)
      expect((await service.logout(other)).status).to.equal(401)
    })

    it('200: the body names a token that is revoked already', async () => {
      const claims = freshClaims()
      const [bearer, other] = [
        await sign(claims),
        await sign({ ...claims, sid: 'revoked-before', jti: 'y' }),
      ]
      expect((await service.logout(other)).status).to.equal(200)
      expect((await service.logout(bearer, { token: other })).status).to.equal(200)
    })

    it('401: the body names a token of another subject, and nothing is revoked; audited', async () => {
      const [bearer, other] = [await token(), await token()]
      expect((await service.logout(bearer, { token: other })).status).to.equal(401)
      expect(service.audited().at(-1)).to.include({
        event: 'authz_fail',
        outcome: 'refused',
        reason: 'other_subject',
      })
      expect((await service.logout(bearer)).status).to.equal(200)
      expect((await service.logout(other)).status).to.equal(200)
    })

    it('401: the bearer has no sub, and the body names another token', async () => {
      const claims = freshClaims({ sub: undefined })
      const [bearer, other] = [await sign(claims), await sign({ ...claims, jti: 'z' })]
      expect((await service.logout(bearer, { token: other })).status).to.equal(401)
      expect((await service.logout(bearer)).status).to.equal(200)
    })

    it('403: expired; an API that grants leeway refuses it, too, and its session stays', async () => {
      const claims = freshClaims({ exp: nowS(-10) })
      const jwt = await sign(claims)
      const answer = await service.logout(jwt)
      expect([answer.status, answer.json]).to.deep.equal([403, expired])
      expect(answer.headers['www-authenticate']).to.match(sentChallenge)
      expect(service.audited().at(-1)).to.include({
        event: 'session_use_after_expire',
        reason: 'expired',
      })
      expect(service.audited().at(-1)?.['keys']).to.have.length(1)
      expect((await service.logout(await sign({ ...claims, exp: nowS(600) }))).status).to.equal(200)
    })

    it('403: long expired; nothing is stored', async () => {
      expect((await service.logout(await token({ exp: nowS(-3600) }))).status).to.equal(403)
      expect(service.audited().at(-1)?.['keys']).to.equal(undefined)
    })

    it('403: an expired body token of the same subject; the bearer stays usable', async () => {
      const claims = freshClaims()
      const [bearer, old] = [await sign(claims), await sign({ ...claims, exp: nowS(-5) })]
      expect((await service.logout(bearer, { token: old })).status).to.equal(403)
      expect((await service.logout(bearer)).status).to.equal(200)
    })

    it('401: expired and also wrong in another way', async () => {
      const old = await token({ exp: nowS(-5) })
      const forged = `${old.slice(0, old.lastIndexOf('.'))}.${'A'.repeat(43)}`
      expect((await service.logout(forged)).status).to.equal(401)
      expect((await service.logout(old, { token: await token() })).status).to.equal(401)
      expect(
        (await service.logout(await token({ exp: nowS(-5), nbf: nowS(500) }))).status,
      ).to.equal(401)
    })

    it('401 without error in the challenge when no credentials were sent', async () => {
      const jwt = await token()
      const request = {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
      }
      for (const headers of [{}, { authorization: `Basic ${jwt}` }, { authorization: 'Bearer' }]) {
        const answer = await service.send({
          ...request,
          headers: { 'content-type': 'application/json', ...headers },
        })
        expect([answer.status, answer.headers['www-authenticate']]).to.deep.equal([
          401,
          'Bearer realm="cierre"',
        ])
      }
      expect((await service.logout(jwt)).status).to.equal(200)
    })

    it('401: two Authorization lines', async () => {
      const jwt = await token()
      const answer = await service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
        headers: [
          'host',
          'x',
          'content-type',
          'application/json',
          'authorization',
          `Bearer ${jwt}`,
          'authorization',
          `Bearer ${jwt}`,
        ],
      })
      expect(answer.status).to.equal(401)
      expect((await service.logout(jwt)).status).to.equal(200)
    })

    it('200: the scheme in any case, with any number of spaces', async () => {
      for (const scheme of ['bearer ', 'BEARER  ', 'bEaReR     ']) {
        const jwt = await token()
        expect(
          (await service.logout(jwt, { token: jwt }, { authorization: scheme + jwt })).status,
        ).to.equal(200)
      }
    })

    it('401: a body that names no readable token; 400: an unknown member', async () => {
      const jwt = await token()
      const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' }
      const bodies = [
        '',
        '{}',
        '{"token":""}',
        '{"token":7}',
        '{"token":null}',
        '{"token":["x"]}',
        '{"token"',
        '[]',
        '"x"',
        'null',
        '7',
        `["${jwt}"]`,
      ]
      for (const body of bodies) {
        const answer = await service.send({
          method: 'POST',
          path: '/api/v1/auth/logout',
          headers,
          body,
        })
        expect([body, answer.status, answer.json]).to.deep.equal([body, 401, invalid])
      }
      const unknown = await service.logout(jwt, { token: jwt, everywhere: true })
      expect([unknown.status, unknown.json]).to.deep.equal([
        400,
        { success: false, message: 'Solicitud inválida' },
      ])
      expect((await service.logout(jwt)).status).to.equal(200)
    })

    const noToken =
      'Bearer realm="cierre", error="invalid_request", error_description="The request body must name the token"'
    /** A request whose body is this text; without a text it has neither body nor type. */
    const withBody = (authorization: string, body: string | undefined) =>
      service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: {
          authorization,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      })

    it('property: 401 no_token_in_body to a genuine bearer whose body names no token; not told who cannot prove it', async () => {
      const [jwt, old] = [await token(), await token({ exp: nowS(-5) })]
      const forged = `${jwt.slice(0, jwt.lastIndexOf('.'))}.${'A'.repeat(43)}`
      const isReadable = (body: unknown) =>
        typeof body === 'object' &&
        body !== null &&
        'token' in body &&
        typeof body.token === 'string'
      const body = fc.oneof(
        fc.constantFrom(
          undefined,
          '',
          ' ',
          '{}',
          '{"token":""}',
          '{"token":7}',
          `{"tokens":"${jwt}"}`,
        ),
        fc.json().filter((text) => !isReadable(JSON.parse(text))),
        fc.string(),
      )
      await fc.assert(
        fc.asyncProperty(
          body,
          fc.constantFrom('bearer ', 'Bearer   ', 'DPoP '),
          fc.constantFrom(jwt, old, forged),
          async (body, scheme, presented) => {
            const answer = await withBody(scheme + presented, body)
            expect([answer.status, answer.json]).to.deep.equal([401, invalid])
            const { 'www-authenticate': challenge, 'x-error-reason': reason } = answer.headers
            if (presented === forged) {
              expect(challenge).to.match(sentChallenge)
              expect(reason).to.equal(undefined)
            } else expect([challenge, reason]).to.deep.equal([noToken, 'no_token_in_body'])
          },
        ),
        { numRuns: repeats(40, 300) },
      )
      // The log takes some of them only.
      const audited = service.audited().filter(({ reason }) => reason === 'no_token_in_body')
      expect(new Set(audited.map(({ outcome }) => outcome))).to.deep.equal(new Set(['refused']))
      for (const none of ['', 'Basic eDp5', 'Bearer'])
        expect((await withBody(none, '{}')).headers).to.include({
          'www-authenticate': 'Bearer realm="cierre"',
        })
      expect((await service.logout(jwt)).status, 'nothing is revoked').to.equal(200)
    })

    it('415: another media type, or any Content-Encoding', async () => {
      const jwt = await token()
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/j' },
        { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        { 'content-type': 'application/json', 'content-encoding': 'identity' },
      ]) {
        expect((await service.logout(jwt, { token: jwt }, headers)).status).to.equal(415)
      }
      expect((await service.logout(jwt)).status).to.equal(200)
    })

    it('200 for one of fifty logouts of one token at the same time, 401 for the others', async () => {
      const jwt = await token()
      const statuses = (
        await Promise.all(Array.from({ length: 50 }, () => service.logout(jwt)))
      ).map(({ status }) => status)
      expect(statuses.sort()).to.deep.equal([200, ...Array.from({ length: 49 }, () => 401)])
    })
  })
}
