import { expect } from 'chai'
import { createRevocation, getRevocation, introspect, revoke, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, logoutToken, nowS, sign, token } from '../support/tokens.js'

describe('introspection, verify and revocations', () => {
  let redis: TestRedis
  let service: TestService
  let second: TestService
  before(async () => {
    redis = await startRedis()
    service = await startService({ REDIS_URL: redis.url, CLIENTS: clientsVariable })
    second = await startService({ REDIS_URL: redis.url, CLIENTS: clientsVariable })
  })
  after(async () => {
    await service.stop()
    await second.stop()
    await redis.stop()
  })

  const refused = '{"active":false}'
  /** The answer of introspection at once; `/verify`, from memory, follows soon. */
  const refusedBy = async (at: TestService, jwt: string) => {
    const { text } = await introspect(at, jwt)
    if (text === refused)
      await until('verify refuses', async () => (await verify(at, jwt)).status === 401)
    return text
  }

  it('introspect: an active token with its standard members and no other', async () => {
    const claims = freshClaims({
      aud: ['a', 'b'],
      scope: 'read write',
      client_id: 'app',
      nbf: nowS(-5),
      azp: 'app',
      acr: 'urn:mace:incommon:iap:silver',
      auth_time: nowS(-100),
      secret_claim: 'x',
    })
    const { secret_claim: _secret, ...standard } = claims
    expect(standard['sid']).to.be.a('string')
    expect((await introspect(service, await sign(claims))).json).to.deep.equal({
      active: true,
      token_type: 'Bearer',
      ...standard,
    })
    const exp = nowS(60)
    const odd = await sign({ sub: 7, scope: { x: 1 }, aud: 7, jti: null, azp: ['x'], exp })
    expect((await introspect(service, odd)).json).to.deep.equal({
      active: true,
      token_type: 'Bearer',
      sub: '7',
      exp,
    })
  })

  it('introspect: jti, sid, azp, acr, auth_time and aud as the token has them', async () => {
    for (const unchanged of [
      { jti: 'a', sid: 'b', azp: 'c', acr: '1', auth_time: 1_700_000_000, aud: 'x' },
      { jti: 42, sid: -7, azp: 0, acr: 1, auth_time: '1700000000', aud: ['x'] },
      { jti: '', sid: '', azp: 1.5, acr: '', auth_time: 0, aud: [] },
    ])
      expect((await introspect(service, await token(unchanged))).json).to.deep.include(unchanged)
  })

  it('introspect: the claims that the entry of the client names, unchanged; to no other client', async () => {
    const more = { role: ['admin', { of: 'a' }], nested: { a: [null, 1.5, 'ü'] }, other: 'x' }
    const jwt = await token({ ...more, aud: 7, active: false })
    const { role, nested } = more
    const told = (await introspect(service, jwt, 'deaf')).json as Record<string, unknown>
    expect(told).to.deep.include({ active: true, token_type: 'Bearer', role, nested })
    expect(told).to.not.have.any.keys('other', 'aud', 'toString')
    const { status, json } = await introspect(service, jwt)
    expect(status).to.equal(200)
    expect(json).to.not.have.any.keys('role', 'nested', 'other')
    await service.logout(jwt)
    expect((await introspect(service, jwt, 'deaf')).text).to.equal(refused)
  })

  it('verify and introspect: a scope in an array, or in scp, is a scope', async () => {
    for (const claims of [
      { scope: ['read', 'write'] },
      { scp: 'read write' },
      { scp: ['read', 'write'] },
      { scope: 'read', scp: ['read', 'write'] },
    ]) {
      const jwt = await token(claims)
      expect((await verify(service, jwt)).headers['x-auth-scope']).to.equal('read%20write')
      expect((await introspect(service, jwt)).json).to.include({ scope: 'read write' })
    }
  })

  it('introspect: the same answer, to the byte, for every kind of inactive token', async () => {
    const revoked = await token()
    await service.logout(revoked)
    const kinds = [
      revoked,
      await token({ exp: nowS(-5) }),
      await token({ nbf: nowS(120) }),
      await token({}, 'HS512'),
      `${(await token()).slice(0, -4)}AAAA`,
      'nonsense',
      `${await token()}=`,
    ]
    for (const kind of kinds) {
      const answer = await introspect(service, kind)
      expect([answer.status, answer.text]).to.deep.equal([200, '{"active":false}'])
    }
  })

  it('verify: 200 with all fields, percent-encoded or empty', async () => {
    const full = await verify(
      service,
      await token({
        sub: 'José & co\n',
        sid: 's 1',
        scope: 'read write',
        iss: 'https://issuer.test/ñ',
      }),
    )
    expect(full.headers).to.include({
      'x-auth-subject': 'Jos%C3%A9%20%26%20co%0A',
      'x-auth-session': 's%201',
      'x-auth-scope': 'read%20write',
      'x-auth-issuer': 'https%3A%2F%2Fissuer.test%2F%C3%B1',
    })
    const bare = await verify(service, await sign({ sub: '\ud800', exp: nowS(60), scope: 7 }))
    expect(bare.headers).to.include({
      'x-auth-subject': '',
      'x-auth-session': '',
      'x-auth-scope': '',
      'x-auth-issuer': '',
    })
    const numbers = await verify(service, await token({ sub: 42, sid: -7 }))
    expect(numbers.headers).to.include({ 'x-auth-subject': '42', 'x-auth-session': '-7' })
    const expired = await verify(service, await token({ exp: nowS(-1) }))
    expect([
      expired.status,
      expired.headers['x-error-reason'],
      expired.headers['www-authenticate'],
    ]).to.deep.equal([
      401,
      'expired',
      'Bearer realm="cierre", error="invalid_token", error_description="The access token expired"',
    ])
    const anonymous = await service.send({ path: '/api/v1/auth/verify' })
    expect([anonymous.status, anonymous.headers['www-authenticate']]).to.deep.equal([
      401,
      'Bearer realm="cierre"',
    ])
  })

  it('revoke: 200 for a token, for its repeat, and for what is no token; its session is revoked, too', async () => {
    const claims = freshClaims()
    const [jwt, sibling] = [await sign(claims), await sign({ ...claims, jti: 'sibling-token' })]
    for (const given of [jwt, jwt, 'nonsense', await token({ exp: nowS(-3600) })]) {
      const answer = await revoke(service, given)
      expect([answer.status, answer.text, answer.headers['content-type']]).to.deep.equal([
        200,
        '',
        undefined,
      ])
    }
    for (const each of [jwt, sibling]) expect(await refusedBy(second, each)).to.equal(refused)
    expect(service.audited().find(({ reason }) => reason === 'oauth_revocation')).to.include({
      event: 'authn_token_revoked',
      client: 'all',
      subject: claims['sub'],
    })
  })

  it('log out everywhere: 401 for every earlier token of the subject, 200 for later tokens and other subjects', async () => {
    const sub = 'everywhere'
    const [jwt, elsewhere, timeless] = [
      await token({ sub }),
      await token({ sub, iat: nowS(-500) }),
      await token({ sub, iat: undefined }),
    ]
    const [later, other, otherIssuer] = [
      await token({ sub, iat: nowS(30) }),
      await token(),
      await token({ sub, iss: 'https://another.test' }),
    ]
    expect((await service.logout(jwt, { token: jwt, scope: 'global' })).status).to.equal(200)
    for (const each of [jwt, elsewhere, timeless])
      expect(await refusedBy(second, each)).to.equal(refused)
    for (const each of [later, other, otherIssuer])
      expect((await verify(second, each)).status).to.equal(200)
    expect(service.audited().at(-1)).to.include({ reason: 'logout_everywhere' })
    const ahead = await token({ sub: 'ahead', iat: nowS(40) })
    await service.logout(ahead, { token: ahead, scope: 'global' })
    expect(
      await refusedBy(second, await token({ sub: 'ahead', iat: nowS(39) })),
      'the cutoff is not before the token',
    ).to.equal(refused)
    const local = await token({ sub: 'local' })
    expect((await service.logout(local, { token: local, scope: 'local' })).status).to.equal(200)
    expect((await verify(second, await token({ sub: 'local' }))).status).to.equal(200)
    for (const scope of ['world', 'GLOBAL', null, '', 7])
      expect((await service.logout(other, { token: other, scope })).status).to.equal(400)
    expect((await verify(second, other)).status).to.equal(200)
    const nameless = await token({ sub: undefined })
    expect((await service.logout(nameless, { token: nameless, scope: 'global' })).status).to.equal(
      400,
    )
    expect((await verify(second, nameless)).status).to.equal(200)
  })

  it('CUTOFF_CLAIM=auth_time: 401 for tokens that are refreshed later, too', async () => {
    const strict = await startService({ REDIS_URL: redis.url, CUTOFF_CLAIM: 'auth_time' })
    try {
      const sub = 'refreshed'
      const jwt = await token({ sub, auth_time: nowS(-100) })
      await strict.logout(jwt, { token: jwt, scope: 'global' })
      expect(
        (await verify(strict, await token({ sub, auth_time: nowS(-100), iat: nowS(30) }))).status,
      ).to.equal(401)
      expect(
        (await verify(strict, await token({ sub, iat: nowS(30) }))).status,
        'no auth_time: iat counts',
      ).to.equal(200)
      expect(
        (await verify(strict, await token({ sub, auth_time: nowS(30), iat: nowS(30) }))).status,
      ).to.equal(200)
      for (const ahead of [nowS(120), 1e300, Date.now()]) {
        const odd = await token({ sub: 'odd', auth_time: ahead })
        expect(
          (await strict.logout(odd, { token: odd, scope: 'global' })).status,
          'auth_time ahead',
        ).to.equal(401)
      }
    } finally {
      await strict.stop()
    }
  })

  it('200: revocations by subject, session, token id and token; the answer has key, effectiveAt and keptUntil', async () => {
    const iss = 'https://issuer.test'
    const claims = freshClaims({ iss, sub: 'by-name' })
    const jwt = await sign(claims)
    const cutoff = nowS(-10)
    const beganMs = Date.now()
    for (const [named, kind] of [
      [{ iss, jti: claims['jti'], exp: claims['exp'] }, 'j'],
      [{ iss, sid: claims['sid'] }, 's'],
      [{ iss, sub: claims['sub'], cutoff }, 'u'],
    ] as [Record<string, unknown>, string][]) {
      const answer = await createRevocation(service, { ...named, reason: 'compromised' })
      const { key, effectiveAt, keptUntil } = answer.json as Record<string, string>
      expect([answer.status, key?.slice(0, 2)]).to.deep.equal([200, `${kind}:`])
      expect(Date.parse(effectiveAt ?? '')).to.be.within(beganMs - 12_000, Date.now())
      const keptMs = Date.parse(keptUntil ?? '')
      const expectedMs = (claims['exp'] as number) * 1000 + 60_000
      if (kind === 'j') expect(keptMs).to.be.within(expectedMs - 5_000, expectedMs + 1_000)
      else expect(keptMs).to.be.within(beganMs + 2_592_055_000, Date.now() + 2_592_061_000)
      const state = (await getRevocation(second, key ?? '')).json as Record<string, unknown>
      expect(state).to.include({ key, revoked: true, ...(kind === 'u' && { cutoff }) })
      expect(Date.parse(String(state['keptUntil']))).to.be.within(
        Date.parse(keptUntil ?? '') - 2_000,
        Date.parse(keptUntil ?? '') + 2_000,
      )
      if (kind === 'j') expect(await refusedBy(second, jwt)).to.equal(refused)
    }
    expect(service.audited().at(-1)).to.include({
      event: 'authn_token_revoked',
      reason: 'compromised',
      client: 'all',
      subject: 'by-name',
    })
    const byToken = await token({ sid: undefined, exp: undefined })
    expect((await createRevocation(service, { token: byToken, reason: 'admin' })).json).to.include({
      keptUntil: null,
    })
    expect(await refusedBy(second, byToken)).to.equal(refused)
    expect((await getRevocation(second, 't:AAAAAAAAAAAAAAAAAAAAAA')).json).to.deep.equal({
      key: 't:AAAAAAAAAAAAAAAAAAAAAA',
      revoked: false,
    })
  })

  it('400, nothing stored: a future cutoff, no reason, an unknown reason, two names, a bad token, an issuer that is not configured', async () => {
    const named = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([{ issuer: 'https://a', secret: hmacSecret }]),
    })
    try {
      const before = await redis.client.dbSize()
      const iss = 'https://a'
      const fault = (member: string, rule = 'is not valid', values?: string[]) => [
        { path: `body.${member}`, rule, ...(values && { values }) },
      ]
      const unknown = fault('iss', 'must be a configured issuer', [iss])
      const whole = (rule: string) => [{ path: 'body', rule }]
      const names = 'sub, sid, jti, token'
      const aText = 'must be a text that is not empty'
      const reasons = 'user_logout admin password_change compromised account_disabled replay'.split(
        ' ',
      )
      const unreadable = 'must be JSON'
      for (const [body, details] of [
        [{ iss, sub: 'x' }, fault('reason', 'is needed')],
        [
          { iss, sub: 'x', reason: 'boredom' },
          fault('reason', 'must be one of the values', reasons),
        ],
        [{ iss, sub: 'x', sid: 'y', reason: 'admin' }, whole(`must have only one of ${names}`)],
        [
          { iss, sub: 'x', reason: 'admin', until: 7 },
          whole('there is no such member; the members are iss, sub, cutoff, reason'),
        ],
        [{ iss, jti: 'x', reason: 'admin' }, fault('exp', 'is needed')],
        [
          { iss, jti: 'x', exp: 1e300, reason: 'admin' },
          fault('exp', 'must be a number from 0 to 9007199254740'),
        ],
        [{ iss, reason: 'admin' }, whole(`must have one of ${names}`)],
        [{ iss, sub: '', reason: 'admin' }, fault('sub', aText)],
        [{ iss, sub: 7, reason: 'admin' }, fault('sub', aText)],
        [{ iss: '', sub: 'x', reason: 'admin' }, fault('iss', `${aText} or null`)],
        [[], whole('must be a JSON object')],
        ['x', whole(unreadable)],
        [
          { iss, sub: 'x', cutoff: nowS(60), reason: 'admin' },
          fault('cutoff', 'must not lie ahead'),
        ],
        [{ iss, sub: '\ud800', reason: 'admin' }, fault('sub')],
        [{ iss, sid: '\ud800', reason: 'admin' }, fault('sid')],
        [{ iss, jti: '\ud800', exp: 1, reason: 'admin' }, fault('jti')],
        [{ token: 'nonsense', reason: 'admin' }, fault('token')],
        [{ iss: 'https://b', sub: 'x', reason: 'admin' }, unknown],
        [{ iss: `${iss}/`, sub: 'x', reason: 'admin' }, unknown],
        [{ iss: null, sid: 'x', reason: 'admin' }, unknown],
        [{ sub: 'x', reason: 'admin' }, fault('iss', 'is needed', [iss])],
        [{ jti: 'x', exp: 1, reason: 'admin' }, fault('iss', 'is needed', [iss])],
      ] as [unknown, unknown][]) {
        const answer = await createRevocation(named, body)
        const refusal = { success: false, message: 'Solicitud inválida' }
        const reason = details === unknown ? 'unknown_issuer' : 'invalid_member'
        expect(
          [answer.status, answer.json, answer.headers['x-error-reason']],
          JSON.stringify(body).slice(0, 60),
        ).to.deep.equal([400, { ...refusal, details }, reason])
      }
      expect(await redis.client.dbSize()).to.equal(before)
    } finally {
      await named.stop()
    }
  })

  it('where the issuer is unchecked, 400 without iss; with that of the tokens, or null, the revocation reaches them', async () => {
    for (const iss of ['https://issuer.test', null]) {
      for (const names of [['sub'], ['sid'], ['jti', 'exp']]) {
        const claims = freshClaims({ iss: iss ?? undefined })
        const jwt = await sign(claims)
        const named = Object.fromEntries(names.map((name) => [name, claims[name]]))
        const missing = await createRevocation(service, { ...named, reason: 'admin' })
        expect([missing.status, missing.json]).to.deep.equal([
          400,
          {
            success: false,
            message: 'Solicitud inválida',
            details: [{ path: 'body.iss', rule: 'is needed', values: [] }],
          },
        ])
        expect((await verify(service, jwt)).status).to.equal(200)
        const stated = await createRevocation(service, { iss, ...named, reason: 'admin' })
        expect(stated.status).to.equal(200)
        expect((await verify(service, jwt)).status, names[0]).to.equal(401)
      }
    }
  })

  it('200 with what is stored: a later cutoff than requested, or a life beyond the year 9999', async () => {
    const iss = 'https://issuer.test'
    const first = (
      await createRevocation(service, { iss, sub: 'twice', cutoff: nowS(-5), reason: 'admin' })
    ).json as Record<string, string>
    const second = (
      await createRevocation(service, { iss, sub: 'twice', cutoff: 5, reason: 'admin' })
    ).json as Record<string, string>
    expect(second['effectiveAt']).to.equal(first['effectiveAt'])
    const late = await createRevocation(service, {
      iss,
      jti: 'far away',
      exp: 9007199254740,
      reason: 'admin',
    })
    expect([late.status, (late.json as { keptUntil: string }).keptUntil]).to.deep.equal([
      200,
      '9999-12-31T23:59:59.999Z',
    ])
    expect((await getRevocation(service, (late.json as { key: string }).key)).status).to.equal(200)
  })

  it('401: a logout token as a bearer', async () => {
    expect((await verify(service, await logoutToken())).status).to.equal(401)
    expect((await introspect(service, await logoutToken({}, { typ: 'JWT' }))).text).to.equal(
      '{"active":false}',
    )
  })

  it('metadata: 404 until PUBLIC_URL is set', async () => {
    expect(
      (await service.send({ path: '/.well-known/oauth-authorization-server' })).status,
    ).to.equal(404)
  })

  it('404 and 405 under /oauth/ in the form of OAuth', async () => {
    const missing = await service.send({ path: '/oauth/authorize' })
    expect([missing.status, missing.json]).to.deep.equal([404, { error: 'invalid_request' }])
    const wrong = await service.send({ path: '/oauth/introspect' })
    expect([wrong.status, wrong.headers['allow']]).to.deep.equal([405, 'POST, OPTIONS'])
  })
})
