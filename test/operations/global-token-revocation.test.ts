import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { claimKey } from '../../src/token/keys.js'
import { auditEvents, getRevocation, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import type { Answer } from '../support/http.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import {
  freshClaims,
  hmacSecret,
  nowS,
  pemOf,
  sign,
  token,
  type Claims,
} from '../support/tokens.js'
import {
  gtrAudience,
  gtrPath,
  issSub,
  publicUrl,
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'

const iss = 'https://issuer.test'
const entry = (issuer: string, more: object = {}) => ({ issuer, secret: hmacSecret, ...more })
/** It may end tokens of two issuers, one of them with {claim}. */
const wide = {
  issuer: 'https://wide.test',
  publicKey: pemOf('ES256'),
  audience: ['https://old.test/gtr', 'https://new.test/gtr'],
  allow: ['gtr'],
  tokenIssuers: ['https://{tid}.tenants.test', 'https://by-uid.test'],
}

describe('Global Token Revocation', () => {
  let redis: TestRedis
  let service: TestService
  let other: TestService
  const env = () => ({
    REDIS_URL: redis.url,
    CLIENTS: clientsVariable,
    JWT_ISSUERS: JSON.stringify([
      entry(iss),
      entry('https://{tid}.tenants.test', { audience: 'api' }),
      entry('https://by-uid.test', { subjectClaim: 'uid' }),
      entry('https://foreign.test'),
    ]),
    ...transmitterVariables(transmitter, wide),
  })
  let aheadMs = 0
  // Stdout takes ten audit lines a second of refusals.
  beforeEach(() => (aheadMs += 1000))
  before(async () => {
    redis = await startRedis()
    service = await startService(env(), { now: () => Date.now() + aheadMs })
    other = await startService(env())
  })
  after(async () => {
    await other.stop()
    await service.stop()
    await redis.stop()
  })

  const entries = async () => (await redis.client.keys('cierre:{c}:[tsujn]:*')).sort()
  const lengths = async () => [
    await redis.client.xLen('cierre:{c}:feed'),
    await redis.client.xLen('cierre:{c}:audit'),
  ]
  const statuses = (at: TestService, tokens: readonly string[]) =>
    Promise.all(tokens.map(async (jwt) => (await verify(at, jwt)).status))
  const byWide = (claims: Claims = {}) =>
    transmitterJwt({ iss: wide.issuer, aud: 'https://new.test/gtr', ...claims }, { key: 'ec' })

  it('204: every token of the subject issued until the iat of the JWT, at every instance; a later one works on', async () => {
    const iat = nowS()
    const claims = freshClaims({ iat })
    const { sub } = claims
    const ended = [
      await sign(claims),
      await token({ sub, iat: iat - 100 }),
      await token({ sub, iat, sid: undefined }),
      await token({ sub, iat: undefined }),
    ]
    const spared = [await token({ sub, iat: iat + 1 }), await token({ iat })]
    expect(await statuses(service, [...ended, ...spared])).to.deep.equal([
      ...ended.map(() => 200),
      200,
      200,
    ])
    const answer = await revokeGlobally(service, await transmitterJwt({ iat }), issSub(sub))
    expect([answer.status, answer.text, answer.headers['cache-control']]).to.deep.equal([
      204,
      '',
      'no-store',
    ])
    const expected = [...ended.map(() => 401), ...spared.map(() => 200)]
    expect(await statuses(service, [...ended, ...spared])).to.deep.equal(expected)
    await until(
      'the other instance refuses them',
      async () =>
        JSON.stringify(await statuses(other, [...ended, ...spared])) === JSON.stringify(expected),
    )
    const key = String(claimKey('u', iss, sub))
    const state = (await getRevocation(service, key)).json as { keptUntil: string }
    expect(state).to.include({ revoked: true, cutoff: iat })
    expect(Date.parse(state.keptUntil)).to.be.closeTo((iat + 2_592_000 + 60) * 1000, 5_000)
    const revoked = service.audited().filter(({ event }) => event === 'authn_token_revoked')
    expect(revoked.at(-1)).to.include({
      outcome: 'success',
      reason: 'global_token_revocation',
      client: transmitter.issuer,
      issuer: iss,
      subject: sub,
    })
  })

  it('204 again for the same JWT, at this and at another instance: it changes nothing', async () => {
    const iat = nowS(-30)
    const sub = randomUUID()
    const jwt = await transmitterJwt({ iat })
    const key = String(claimKey('u', iss, sub))
    expect((await revokeGlobally(service, jwt, issSub(sub))).status).to.equal(204)
    const login = await token({ sub, iat: iat + 1 })
    const [value, expiry] = [
      await redis.client.get(`cierre:{c}:${key}`),
      await redis.client.pExpireTime(`cierre:{c}:${key}`),
    ]
    const before = await lengths()
    for (const at of [service, other])
      expect((await revokeGlobally(at, jwt, issSub(sub))).status).to.equal(204)
    expect(value).to.equal(String(iat))
    expect([
      await redis.client.get(`cierre:{c}:${key}`),
      await redis.client.pExpireTime(`cierre:{c}:${key}`),
      await lengths(),
    ]).to.deep.equal([value, expiry, before])
    expect(await statuses(service, [login]), 'a login after the JWT').to.deep.equal([200])
  })

  it('204: of an iat ahead within the clock skew the cutoff is that iat, and never later than now plus the skew', async () => {
    const at = Math.floor((Date.now() + aheadMs) / 1000)
    const sub = randomUUID()
    const jwt = await transmitterJwt({ iat: at + 50, exp: at + 300 })
    expect((await revokeGlobally(service, jwt, issSub(sub))).status).to.equal(204)
    const { cutoff } = (await getRevocation(service, String(claimKey('u', iss, sub)))).json as {
      cutoff: number
    }
    expect(cutoff).to.equal(at + 50)
  })

  it('204: `subject`, as draft 02 has it; opaque, and the names of an issuer with {claim} or subjectClaim', async () => {
    const sub = randomUUID()
    const tenant = { iss: 'https://a.tenants.test', tid: 'a', aud: 'api' }
    const cases: [string, object, Claims][] = [
      [await transmitterJwt(), { subject: { format: 'iss_sub', iss, sub } }, {}],
      [
        await transmitterJwt(),
        { sub_id: { format: 'opaque', id: `o-${sub}` } },
        { sub: `o-${sub}` },
      ],
      [
        await transmitterJwt(),
        { subject: { format: 'opaque', id: `s-${sub}` } },
        { sub: `s-${sub}` },
      ],
      [await byWide(), issSub(sub, tenant.iss), tenant],
      [
        await byWide({ aud: ['https://old.test/gtr'] }),
        issSub(sub, 'https://by-uid.test'),
        { iss: 'https://by-uid.test', uid: sub, sub: 'another name' },
      ],
    ]
    for (const [jwt, body, claims] of cases) {
      const mine = await token({ sub, iat: nowS(-5), ...claims })
      expect(await statuses(service, [mine])).to.deep.equal([200])
      expect((await revokeGlobally(service, jwt, body)).status, JSON.stringify(body)).to.equal(204)
      expect(await statuses(service, [mine]), JSON.stringify(body)).to.deep.equal([401])
    }
    const neighbour = await token({ ...tenant, iss: 'https://b.tenants.test', tid: 'b', sub })
    expect(await statuses(service, [neighbour]), 'another tenant').to.deep.equal([200])
  })

  const right: [string, Claims, Claims?][] = [
    ['without typ', {}, { typ: undefined }],
    ['with typ JWT', {}, { typ: 'JWT' }],
    ['with its typ as a media type', {}, { typ: 'application/Global-Token-Revocation+jwt' }],
    ['with aud as an array of one', { aud: [gtrAudience] }],
    ['with the sub of a client and an nbf', { sub: '0oa1bhzlb7okta', nbf: nowS(-300) }],
    ['that lives for 10 minutes', { iat: nowS(-300), exp: nowS(300) }],
  ]
  for (const [what, claims, header = {}] of right)
    it(`204 for a JWT ${what}`, async () => {
      const jwt = await transmitterJwt(claims, { header })
      expect((await revokeGlobally(service, jwt, issSub(randomUUID()))).status).to.equal(204)
    })

  const wrong: [what: string, cause: string, make: () => Promise<string>][] = [
    ['no JWT', 'spelling', async () => 'x'],
    ['an encoding that is not canonical', 'spelling', async () => `${await transmitterJwt()}=`],
    ['too long', 'too_long', () => transmitterJwt({ filler: 'x'.repeat(20_000) })],
    [
      'another signature',
      'signature',
      async () => `${(await transmitterJwt()).slice(0, -8)}AAAAAAAA`,
    ],
    ['another key', 'algorithm', () => transmitterJwt({}, { key: 'ec' })],
    [
      'a key that the transmitter does not have',
      'unknown_key',
      () => transmitterJwt({}, { header: { kid: 'other' } }),
    ],
    [
      'alg none',
      'algorithm',
      async () =>
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await transmitterJwt()).split('.')[1]}.AAAA`,
    ],
    [
      'a shared secret',
      'algorithm',
      () =>
        sign({ iss: transmitter.issuer, aud: gtrAudience, jti: 'x', iat: nowS(), exp: nowS(60) }),
    ],
    ['no iss', 'unknown_issuer', () => transmitterJwt({ iss: undefined })],
    ['an iss that is no transmitter', 'unknown_issuer', () => transmitterJwt({ iss })],
    ['no aud', 'audience', () => transmitterJwt({ aud: undefined })],
    [
      'the aud of another receiver',
      'audience',
      () => transmitterJwt({ aud: 'https://app.test/gtr' }),
    ],
    ['PUBLIC_URL as aud', 'audience', () => transmitterJwt({ aud: publicUrl })],
    [
      'a second aud',
      'audience',
      () => transmitterJwt({ aud: [gtrAudience, 'https://app.test/gtr'] }),
    ],
    ['the aud of another transmitter', 'audience', () => byWide({ aud: gtrAudience })],
    ['no iat', 'no_iat', () => transmitterJwt({ iat: undefined })],
    ['an iat that is no number', 'claims', () => transmitterJwt({ iat: 'now' })],
    ['an iat ahead', 'not_yet_valid', () => transmitterJwt({ iat: nowS(600), exp: nowS(900) })],
    ['an nbf ahead', 'not_yet_valid', () => transmitterJwt({ nbf: nowS(600) })],
    ['no exp', 'no_exp', () => transmitterJwt({ exp: undefined })],
    ['an exp that is no number', 'no_exp', () => transmitterJwt({ exp: 'soon' })],
    ['expired', 'expired', () => transmitterJwt({ iat: nowS(-60), exp: nowS(-1) })],
    ['more than 10 minutes of life', 'lives_too_long', () => transmitterJwt({ exp: nowS(602) })],
    ['no jti', 'no_jti', () => transmitterJwt({ jti: undefined })],
    ['a jti that is no name', 'no_jti', () => transmitterJwt({ jti: {} })],
    ['an empty jti', 'no_jti', () => transmitterJwt({ jti: '' })],
    [
      'the typ of a logout token',
      'typ',
      () => transmitterJwt({}, { header: { typ: 'logout+jwt' } }),
    ],
    ['the typ of an access token', 'typ', () => transmitterJwt({}, { header: { typ: 'at+jwt' } })],
    ['a typ that is no text', 'typ', () => transmitterJwt({}, { header: { typ: 1 } })],
  ]
  for (const [what, cause, make] of wrong)
    it(`401, nothing revoked, and ${cause} in the log and in the audit: ${what}`, async () => {
      const before = await entries()
      const answer = await revokeGlobally(service, await make(), issSub(randomUUID()))
      expect([answer.status, answer.json]).to.deep.equal([
        401,
        { success: false, message: 'Token no proporcionado o inválido' },
      ])
      expect(answer.headers).not.to.have.property('x-error-reason')
      expect(answer.headers['www-authenticate']).to.match(
        /^Bearer realm="cierre", error="invalid_token"/,
      )
      expect(await entries()).to.deep.equal(before)
      const reason = `global_token_revocation_${cause}`
      expect(service.audited().at(-1)).to.include({
        event: 'authn_login_fail',
        outcome: 'refused',
        reason,
        requestId: answer.headers['x-request-id'],
      })
      expect(
        service.logged().filter((line) => line['reason'] === reason && line['level'] === 'warn'),
      ).to.not.be.empty
    })

  it('401 without a bearer, with another scheme and with two, before anything about the body', async () => {
    const jwt = await transmitterJwt()
    const statusOf = async (authorization: string | string[] | undefined) => {
      const answer = await service.send({
        method: 'POST',
        path: gtrPath,
        headers: {
          'content-type': 'application/json',
          ...(authorization && { authorization }),
        } as never,
        body: '{}',
      })
      return [answer.status, answer.headers['www-authenticate']]
    }
    expect(await statusOf(undefined)).to.deep.equal([401, 'Bearer realm="cierre"'])
    expect(await statusOf(`Basic ${jwt}`)).to.deep.equal([401, 'Bearer realm="cierre"'])
    expect((await statusOf([`Bearer ${jwt}`, `Bearer ${jwt}`]))[0]).to.equal(401)
  })

  type Refusal = [
    what: string,
    body: object,
    status: number,
    reason: string,
    jwt?: () => Promise<string>,
  ]
  const refused: Refusal[] = [
    ['a subject of another issuer', issSub('x', 'https://foreign.test'), 403, 'not_permitted'],
    ['a subject of another tenant list', issSub('x'), 403, 'not_permitted', byWide],
    [
      'an issuer that is not configured',
      issSub('x', 'https://unknown.test'),
      404,
      'unknown_issuer',
    ],
    [
      'the issuer of the transmitter itself',
      issSub('x', transmitter.issuer),
      404,
      'unknown_issuer',
    ],
    [
      'what no {claim} may be',
      issSub('x', 'https://a.b.tenants.test'),
      404,
      'unknown_issuer',
      byWide,
    ],
    [
      'an opaque identifier of several issuers',
      { sub_id: { format: 'opaque', id: 'x' } },
      404,
      'unsupported_format',
      byWide,
    ],
    ['email', { sub_id: { format: 'email', email: 'x@example.com' } }, 404, 'unsupported_format'],
    ['email without email', { subject: { format: 'email' } }, 404, 'unsupported_format'],
    [
      'phone_number',
      { sub_id: { format: 'phone_number', phone_number: '+12065550100' } },
      404,
      'unsupported_format',
    ],
    [
      'account',
      { sub_id: { format: 'account', uri: 'acct:x@example.com' } },
      404,
      'unsupported_format',
    ],
    [
      'aliases',
      { sub_id: { format: 'aliases', identifiers: [{ format: 'iss_sub', iss, sub: 'x' }] } },
      404,
      'unsupported_format',
    ],
    [
      'a format of another case',
      { sub_id: { format: 'ISS_SUB', iss, sub: 'x' } },
      404,
      'unsupported_format',
    ],
    ['no subject', {}, 400, 'invalid_member'],
    [
      'both names of the member',
      { ...issSub('x'), subject: issSub('x').sub_id },
      400,
      'invalid_member',
    ],
    ['another member', { ...issSub('x'), scope: 'global' }, 400, 'invalid_member'],
    ['no object', [], 400, 'invalid_member'],
    ['a text as identifier', { sub_id: 'x' }, 400, 'invalid_member'],
  ]
  for (const [what, body, status, reason, jwt = transmitterJwt] of refused)
    it(`${status} ${reason}, nothing revoked: ${what}`, async () => {
      const before = await entries()
      const answer: Answer = await revokeGlobally(service, await jwt(), body)
      expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([status, reason])
      expect(await entries()).to.deep.equal(before)
      if (status === 403)
        expect(answer.headers['www-authenticate']).to.match(
          /^Bearer realm="cierre", error="insufficient_scope"/,
        )
      expect(service.audited().at(-1)).to.include({
        event: status === 403 ? 'authz_fail' : 'input_validation_fail',
        outcome: 'refused',
        requestId: answer.headers['x-request-id'],
      })
    })

  it('the log says once an hour which setting a refused request needs, and no text of the request', async () => {
    const lines = service
      .logged()
      .filter(({ msg }) => msg === 'a global token revocation was refused')
    const foreign = lines.filter(({ reason }) => reason === 'permission')
    expect(foreign.map(({ transmitter: name, setting }) => [name, setting])).to.deep.equal([
      [transmitter.issuer, 'tokenIssuers (TRANSMITTERS)'],
      [wide.issuer, 'tokenIssuers (TRANSMITTERS)'],
    ])
    expect(JSON.stringify(lines)).to.not.match(/unknown\.test|example\.com/)
  })

  it('the trail has a refusal with the transmitter', async () => {
    const { events } = (await auditEvents(service, '?limit=1000')).json as {
      events: Record<string, unknown>[]
    }
    expect(events.filter(({ reason }) => reason === 'permission')).to.not.be.empty
    for (const event of events.filter(({ reason }) => reason === 'subject_format'))
      expect([transmitter.issuer, wide.issuer]).to.include(event['client'])
  })

  it('the metadata has the endpoint, and only where there are transmitters', async () => {
    const endpointOf = async (at: TestService) =>
      (
        (await at.send({ path: '/.well-known/oauth-authorization-server' })).json as Record<
          string,
          unknown
        >
      )['global_token_revocation_endpoint']
    expect(await endpointOf(service)).to.equal(gtrAudience)
    const without = await startService({ PUBLIC_URL: publicUrl })
    try {
      expect(await endpointOf(without)).to.equal(undefined)
      const answer = await revokeGlobally(without, await transmitterJwt(), issSub('x'))
      expect(answer.status).to.equal(401)
    } finally {
      await without.stop()
    }
  })
})
