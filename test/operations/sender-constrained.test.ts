import { expect } from 'chai'
import { introspect, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startGuard } from '../support/guard.js'
import { GuardError } from '../../src/guard.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, nowS, sign, token } from '../support/tokens.js'

const dpop = { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }
const certificate = { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } }
const unknownMethod = { cnf: { other: 'x' } }

describe('sender-constrained tokens', () => {
  let service: TestService
  let lenient: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
    lenient = await startService({ CLIENTS: clientsVariable, SENDER_CONSTRAINED: 'ignore' })
  })
  after(async () => {
    await service.stop()
    await lenient.stop()
  })
  const verifyAs = (at: TestService, authorization: string) =>
    at.send({ path: '/api/v1/auth/verify', headers: { authorization } })
  const logoutAs = (scheme: string, jwt: string, body: object = { token: jwt }) =>
    service.logout(jwt, body, { authorization: `${scheme} ${jwt}` })

  it('401 as a bearer token, at /verify and in the guard; the challenge is DPoP where a proof is missing', async () => {
    const guard = startGuard(service.origin)
    try {
      await guard.ready()
      for (const [cnf, scheme] of [
        [dpop, 'DPoP'],
        [certificate, 'Bearer'],
        [unknownMethod, 'Bearer'],
        [{ cnf: 'text' }, 'Bearer'],
      ] as const) {
        const jwt = await token(cnf)
        const challenge = `${scheme} realm="cierre", error="invalid_token", error_description="The access token is sender-constrained"`
        const answer = await verify(service, jwt)
        expect([
          answer.status,
          answer.headers['x-error-reason'],
          answer.headers['www-authenticate'],
        ]).to.deep.equal([401, 'sender_constrained', challenge])
        const refusal = (await guard
          .check(`Bearer ${jwt}`)
          .catch((error: unknown) => error)) as GuardError
        expect([refusal.status, refusal.wwwAuthenticate]).to.deep.equal([401, challenge])
        expect((await verifyAs(service, `DPoP ${jwt}`)).status, 'no proof is checked').to.equal(401)
      }
      expect((await verify(service, await token({ cnf: null }))).status).to.equal(200)
      const forged = `${(await token(dpop)).slice(0, -4)}AAAA`
      expect((await verify(service, forged)).headers['x-error-reason']).to.equal(undefined)
    } finally {
      await guard.close()
    }
  })

  it('200 where an API checks the proof itself: SENDER_CONSTRAINED=ignore, senderConstrained: ignore, under either scheme', async () => {
    const guard = startGuard(lenient.origin, { senderConstrained: 'ignore' })
    try {
      await guard.ready()
      for (const cnf of [dpop, certificate]) {
        const jwt = await token(cnf)
        for (const scheme of ['Bearer', 'DPoP', 'dpop ']) {
          expect((await verifyAs(lenient, `${scheme} ${jwt}`)).status).to.equal(200)
          expect((await guard.check(`${scheme} ${jwt}`)).sub).to.be.a('string')
        }
        expect((await lenient.logout(jwt)).status).to.equal(200)
        expect((await verifyAs(lenient, `DPoP ${jwt}`)).status).to.equal(401)
        await guard.ready()
      }
      for (const authorization of ['DPoP x', 'Bearer x']) {
        expect((await verifyAs(lenient, authorization)).headers['www-authenticate']).to.include(
          'error="invalid_token"',
        )
        expect(
          ((await guard.check(authorization).catch((error: unknown) => error)) as GuardError)
            .wwwAuthenticate,
        ).to.include('error="invalid_token"')
      }
      expect(() => startGuard(lenient.origin, { senderConstrained: 'maybe' as 'ignore' })).to.throw(
        TypeError,
        'senderConstrained',
      )
    } finally {
      await guard.close()
    }
  })

  it('introspection passes cnf on; token_type is DPoP for a token with a jkt', async () => {
    const of = async (claims: object) =>
      (await introspect(service, await token(claims as Record<string, unknown>))).json
    expect(await of(dpop)).to.deep.include({ active: true, token_type: 'DPoP', ...dpop })
    expect(await of(certificate)).to.deep.include({
      active: true,
      token_type: 'Bearer',
      ...certificate,
    })
    for (const cnf of ['text', ['jkt'], false, 0, ''])
      expect(await of({ cnf }), JSON.stringify(cnf)).to.deep.equal({ active: false })
    expect(await of({}))
      .to.include({ token_type: 'Bearer' })
      .and.not.to.have.property('cnf')
  })

  it('200: its holder logs it out under Bearer or DPoP without a proof, and its session is revoked', async () => {
    for (const scheme of ['DPoP', 'dpop  ', 'Bearer']) {
      const claims = freshClaims(dpop)
      const [jwt, sibling] = [await sign(claims), await sign({ ...claims, jti: 'sibling' })]
      expect((await logoutAs(scheme, jwt)).status, scheme).to.equal(200)
      const again = await logoutAs(scheme, jwt)
      expect([again.status, again.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
      expect((await introspect(service, sibling)).json).to.deep.equal({ active: false })
    }
    expect((await logoutAs('DPoP', await token({ ...dpop, exp: nowS(-5) }))).status).to.equal(403)
    const plain = await token()
    expect((await logoutAs('DPoP', plain)).status, 'a bearer token').to.equal(200)
    const nothing = await service.send({
      method: 'POST',
      path: '/api/v1/auth/logout',
      headers: { authorization: 'DPoP', 'content-type': 'application/json' },
      body: '{"token":"x"}',
    })
    expect([nothing.status, nothing.headers['www-authenticate']]).to.deep.equal([
      401,
      'Bearer realm="cierre"',
    ])
  })

  it('401 invalid_dpop_proof, nothing stored: logout everywhere by a token with cnf, under either scheme', async () => {
    for (const cnf of [dpop, certificate]) {
      for (const scheme of ['DPoP', 'Bearer']) {
        const claims = freshClaims(cnf)
        const [jwt, other] = [
          await sign(claims),
          await sign({ ...claims, sid: 'another', jti: 'another' }),
        ]
        const answer = await logoutAs(scheme, jwt, { token: jwt, scope: 'global' })
        expect([answer.status, answer.json, answer.headers['x-error-reason']]).to.deep.equal([
          401,
          { success: false, message: 'Token no proporcionado o inválido' },
          'sender_constrained',
        ])
        expect(answer.headers['www-authenticate']).to.equal(
          'DPoP realm="cierre", error="invalid_dpop_proof", error_description="Only a proof of possession allows this"',
        )
        for (const each of [jwt, other])
          expect((await introspect(service, each)).json).to.include({ active: true })
      }
    }
    expect(
      service.audited().filter(({ reason }) => reason === 'sender_constrained').length,
    ).to.be.at.least(4)
  })
})
