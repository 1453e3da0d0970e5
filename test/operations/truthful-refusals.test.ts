import { expect } from 'chai'
import fc from 'fast-check'
import { createRevocation, introspect, revoke, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { repeats } from '../support/long.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, nowS, pemOf, sign, token } from '../support/tokens.js'

const skewS = 60

describe('a token that an operation calls revoked or invalid is never accepted later', () => {
  let service: TestService
  let aheadMs = 0
  before(async () => {
    service = await startService(
      { CLIENTS: clientsVariable, CUTOFF_CLAIM: 'auth_time' },
      { now: () => Date.now() + aheadMs },
    )
  })
  beforeEach(() => (aheadMs = 0))
  after(() => service.stop())

  /** The status of /verify at each of these offsets from now. */
  async function verifiedAt(jwt: string, ...offsetsS: number[]): Promise<number[]> {
    const statuses: number[] = []
    for (const offsetS of offsetsS) {
      aheadMs = offsetS * 1000
      statuses.push((await verify(service, jwt)).status)
    }
    aheadMs = 0
    return statuses
  }

  it('200: nbf and iat ahead by at most the clock skew, in every operation', async () => {
    for (const claims of [
      { nbf: nowS(2) },
      { nbf: nowS(skewS - 2) },
      { iat: nowS(skewS - 2) },
      { nbf: nowS(2), iat: nowS(2) },
    ]) {
      const jwt = await token(claims)
      expect([(await verify(service, jwt)).status, (await introspect(service, jwt)).json])
        .to.deep.include(200)
        .and.to.have.nested.property('1.active', true)
      expect((await service.logout(jwt)).status).to.equal(200)
      expect(await verifiedAt(jwt, 0, 10, 300)).to.deep.equal([401, 401, 401])
    }
  })

  it('401: further ahead; the token is stored by its own key first, and its session stays', async () => {
    for (const claims of [{ nbf: nowS(200) }, { iat: nowS(200) }, { auth_time: nowS(200) }]) {
      const all = freshClaims(claims)
      const [jwt, sibling] = [
        await sign(all),
        await sign({ ...all, nbf: undefined, iat: nowS(), auth_time: undefined, jti: 'sibling' }),
      ]
      const answer = await service.logout(jwt)
      expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([
        401,
        'not_yet_valid',
      ])
      expect(service.audited().at(-1)).to.include({
        event: 'authz_fail',
        outcome: 'refused',
        reason: 'not_yet_valid',
      })
      expect(await verifiedAt(jwt, 210)).to.deep.equal([401])
      expect((await verify(service, sibling)).status).to.equal(200)
    }
  })

  it('property: a genuine token with any times, once ended, is 401 at every later time', async () => {
    const offset = fc.option(fc.integer({ min: -400, max: 400 }), { nil: undefined })
    const endings = {
      logout: async (jwt: string) => {
        const { status, headers } = await service.logout(jwt)
        return (
          status === 200 ||
          headers['x-error-reason'] === 'revoked' ||
          status === 401 ||
          status === 403
        )
      },
      revoke: async (jwt: string) => (await revoke(service, jwt)).status === 200,
      createRevocation: async (jwt: string) =>
        (await createRevocation(service, { token: jwt, reason: 'admin' })).status === 200,
    }
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          nbf: offset,
          iat: offset,
          auth_time: offset,
          exp: offset,
          sid: fc.boolean(),
          ending: fc.constantFrom('logout', 'revoke', 'createRevocation'),
        }),
        // In order: a store that has dropped what has expired does not know it at an earlier time.
        fc
          .array(fc.integer({ min: 0, max: 900 }), { minLength: 3, maxLength: 6 })
          .map((offsetsS) => offsetsS.sort((one, other) => one - other)),
        async ({ ending, sid, ...offsets }, later) => {
          const times = Object.fromEntries(
            Object.entries(offsets).map(([name, offsetS]) => [
              name,
              offsetS === undefined ? undefined : nowS(offsetS),
            ]),
          )
          const jwt = await token({ ...times, ...(!sid && { sid: undefined }) })
          const isEnded = await endings[ending](jwt)
          expect(isEnded, 'a genuine token can always be ended').to.equal(true)
          expect(new Set(await verifiedAt(jwt, 0, ...later))).to.deep.equal(new Set([401]))
        },
      ),
      { numRuns: repeats(40, 150) },
    )
  })

  it('401 revoked: a token that outlives its revocation gets an entry of its own, and stays 401', async () => {
    const iss = 'https://issuer.test'
    const hour = 3600
    const brief = await token({ jti: 'brief', sid: undefined, exp: nowS(hour) })
    await createRevocation(service, { iss, jti: 'brief', exp: nowS(60), reason: 'admin' })
    const claims = freshClaims({ exp: nowS(600) })
    const [first, endless] = [
      await sign(claims),
      await sign({ ...claims, exp: undefined, jti: 'endless' }),
    ]
    expect((await service.logout(first)).status).to.equal(200)
    for (const jwt of [brief, endless]) {
      for (let round = 0; round < 2; round += 1) {
        const answer = await service.logout(jwt)
        expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
      }
    }
    expect(await verifiedAt(brief, 0, 300, hour - 10)).to.deep.equal([401, 401, 401])
    expect(await verifiedAt(endless, 0, hour, 31 * 24 * hour)).to.deep.equal([401, 401, 401])
  })

  it('401 with X-Error-Reason revoked only for a genuine token that is revoked; 403 with expired', async () => {
    const [jwt, old] = [await token(), await token({ exp: nowS(-5) })]
    await service.logout(jwt)
    const again = await service.logout(jwt)
    expect([again.status, again.headers['x-error-reason']]).to.deep.equal([401, 'revoked'])
    const expired = await service.logout(old)
    expect([
      expired.status,
      expired.headers['x-error-reason'],
      expired.headers['www-authenticate'],
    ]).to.deep.equal([
      403,
      'expired',
      'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
    ])
    const forged = `${jwt.slice(0, jwt.lastIndexOf('.'))}.${'A'.repeat(43)}`
    for (const bad of [
      forged,
      `${jwt}=`,
      'x',
      await token({}, 'HS512'),
      await token({ exp: 'soon' }),
    ]) {
      const answer = await service.logout(bad)
      expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([401, undefined])
      expect((await verify(service, bad)).headers['x-error-reason']).to.equal(undefined)
    }
    const [bearer, others] = [await token(), await token()]
    expect((await service.logout(bearer, { token: others })).headers['x-error-reason']).to.equal(
      'other_holder',
    )
    const nameless = await token({ sub: undefined })
    expect(
      (await service.logout(nameless, { token: nameless, scope: 'global' })).headers[
        'x-error-reason'
      ],
    ).to.equal('no_subject')
  })

  it('400 unsupported_token_type at /oauth/revoke for a token that may be valid elsewhere; 200 for one that is valid nowhere', async () => {
    const strict = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([
        { issuer: 'https://issuer.test', secret: hmacSecret, audience: 'api' },
        { issuer: 'https://typed', publicKey: pemOf('ES256'), typ: 'at+jwt' },
      ]),
      JWT_REQUIRE_EXP: 'true',
    })
    try {
      const good = { aud: 'api' }
      for (const [reason, jwt] of [
        ['unknown_issuer', await token({ ...good, iss: 'https://other.test' })],
        ['other_audience', await token({ aud: 'another' })],
        ['unsupported_format', await token(good, 'HS512')],
        ['unsupported_format', await token(good, 'HS256', { typ: 'dpop+jwt' })],
        ['unsupported_format', await token(good, 'HS256', { kid: 7 })],
        ['unsupported_format', await token({ iss: 'https://typed' }, 'ES256')],
        ['unsupported_format', await token({ ...good, exp: undefined })],
      ] as const) {
        const answer = await revoke(strict, jwt)
        expect([answer.status, answer.json, answer.headers['x-error-reason']]).to.deep.equal([
          400,
          { error: 'unsupported_token_type' },
          reason,
        ])
      }
      const forged = await sign(freshClaims(good), 'ES256')
      for (const invalid of [
        'x',
        `${await token(good)}=`,
        `${(await token(good)).slice(0, -4)}AAAA`,
        await token({ ...good, exp: nowS(-3600) }),
      ]) {
        expect((await revoke(strict, invalid)).status).to.equal(200)
      }
      expect((await revoke(strict, forged)).status, 'another algorithm').to.equal(400)
    } finally {
      await strict.stop()
    }
  })
})

describe('a service of one issuer', () => {
  it('400 unknown_issuer at /oauth/revoke for the token of another issuer, whose keys it does not have', async () => {
    const single = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUER: 'https://issuer.test',
    })
    try {
      for (const iss of ['https://other.test', undefined, 7]) {
        const answer = await revoke(single, await sign(freshClaims({ iss }), 'HS512'))
        expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([
          400,
          'unknown_issuer',
        ])
      }
    } finally {
      await single.stop()
    }
  })
})

describe('claims that are numbers name sessions, subjects and token ids', () => {
  let service: TestService
  before(async () => {
    service = await startService({ CLIENTS: clientsVariable })
  })
  after(() => service.stop())
  const iss = 'https://issuer.test'

  it('200, then 401: a numeric sub, sid or jti revoked by name; a logout revokes a numeric session', async () => {
    const byName = [
      [{ sub: 42 }, { sub: '42' }],
      [{ sid: 42 }, { sid: '42' }],
      [{ jti: 42 }, { jti: '42', exp: nowS(600) }],
    ] as const
    for (const [claims, named] of byName) {
      const jwt = await token(claims)
      expect((await verify(service, jwt)).status).to.equal(200)
      expect((await createRevocation(service, { iss, ...named, reason: 'admin' })).status).to.equal(
        200,
      )
      expect((await verify(service, jwt)).status, JSON.stringify(claims)).to.equal(401)
    }
    const [one, sibling, text] = [
      await token({ sid: 7_001 }),
      await token({ sid: 7_001 }),
      await token({ sid: '7001' }),
    ]
    expect((await service.logout(one)).status).to.equal(200)
    for (const each of [sibling, text]) expect((await verify(service, each)).status).to.equal(401)
  })

  it('property: any claim that counts revokes its tokens by name; two claims share a name only if they are the same text', async () => {
    const claim = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, 'x'.repeat(2_000), '0', "o'hara@example.com", 'José'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('sub', 'sid'),
        claim,
        claim,
        fc.uuid(),
        async (name, value, other, realm) => {
          const namespaced = { iss: `https://${realm}.test` }
          const [jwt, sibling, different] = [
            await token({ ...namespaced, [name]: value }),
            await token({ ...namespaced, [name]: value }),
            await token({ ...namespaced, [name]: other }),
          ]
          const answer = await createRevocation(service, {
            ...namespaced,
            [name]: String(value),
            reason: 'admin',
          })
          expect(answer.status).to.equal(200)
          for (const each of [jwt, sibling])
            expect((await verify(service, each)).status).to.equal(401)
          expect((await verify(service, different)).status).to.equal(
            String(other) === String(value) ? 401 : 200,
          )
        },
      ),
      { numRuns: repeats(25, 100) },
    )
  })

  it('a claim that counts as absent is logged once an hour, with issuer and claim and without its value', async () => {
    let aheadMs = 0
    const named = await startService({ JWT_ISSUER: iss }, { now: () => Date.now() + aheadMs })
    try {
      const warnings = () =>
        named.logged().filter(({ msg }) => String(msg).includes('counts as absent'))
      const odd = () => token({ sid: { planted: 'value' }, sub: 1.5, exp: nowS(9_000) })
      for (let round = 0; round < 3; round += 1)
        expect((await verify(named, await odd())).status).to.equal(200)
      expect(warnings().map(({ issuer, claim }) => [issuer, claim])).to.have.deep.members([
        [iss, 'sub'],
        [iss, 'sid'],
      ])
      expect(JSON.stringify(warnings())).not.to.include('planted')
      aheadMs = 3_600_001
      await verify(named, await odd())
      expect(warnings()).to.have.length(4)
      await verify(named, await token({ exp: nowS(9_000) }))
      await verify(named, `${(await odd()).slice(0, -4)}AAAA`)
      expect(warnings()).to.have.length(4)
    } finally {
      await named.stop()
    }
  })
})

describe('JWTs of another kind are no access tokens', () => {
  it('401: any typ that ends in +jwt, except at+jwt, unless JWT_TYP names it', async () => {
    const [open, named] = [await startService({}), await startService({ JWT_TYP: 'secevent+jwt' })]
    try {
      for (const typ of [
        'logout+jwt',
        'secevent+jwt',
        'dpop+jwt',
        'statuslist+jwt',
        'token-introspection+jwt',
        'oauth-authz-req+jwt',
        'application/secevent+jwt',
        'SECEVENT+JWT',
        'Application/DPoP+jwt',
        'kb+jwt',
        'x+jwt',
        'dc+sd-jwt',
        'secevent+jwt;x=1',
        'secevent+jwt ',
        'dpop+jwt\n',
        'statuslist+jwt,',
        'logout+jwt; charset=utf-8',
      ]) {
        const jwt = await token({}, 'HS256', { typ })
        expect((await verify(open, jwt)).status, typ).to.equal(401)
        expect((await verify(named, jwt)).status, typ).to.equal(
          /^(?:application\/)?secevent\+jwt$/i.test(typ) ? 200 : 401,
        )
      }
      for (const typ of [
        'JWT',
        'jwt',
        'at+jwt',
        'AT+JWT',
        'application/at+jwt',
        'Application/AT+jwt',
        undefined,
        '',
      ]) {
        expect((await verify(open, await token({}, 'HS256', { typ }))).status, typ).to.equal(200)
      }
    } finally {
      await open.stop()
      await named.stop()
    }
  })
})
