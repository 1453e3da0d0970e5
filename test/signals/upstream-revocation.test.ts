import { expect } from 'chai'
import { faultsOf } from '../support/contract.js'
import type { Answer } from '../support/http.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { plant } from '../support/leaks.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { sign, freshClaims, nowS, token } from '../support/tokens.js'
import { createUpstreamRevocation } from '../../src/signals/upstream-revocation.js'
import type { IssuerMetadata } from '../../src/token/discovery.js'
import type { KeySource } from '../../src/token/key-source.js'
import type { Issuer } from '../../src/token/verification.js'
import { startUpstream, type ClientName, type Mode, type Upstream } from '../support/upstream.js'

const logout = async (
  service: TestService,
  jwt: string,
  body: object,
  headers = {},
): Promise<Answer> => {
  const answer = await service.logout(jwt, { token: jwt, ...body }, headers)
  expect(faultsOf('logout', answer)).to.deep.equal([])
  return answer
}
const resultOf = ({ status, headers }: Answer) => [status, headers['x-upstream-revocation']]
const upstreamsIn = (events: Record<string, unknown>[]) =>
  events.flatMap(({ upstreamRevocation }) => upstreamRevocation ?? [])

describe('a logout with a refresh token of a real provider', function () {
  this.timeout(60_000)
  let upstream: Upstream
  let redis: TestRedis
  const services = new Map<ClientName, TestService>()
  const serviceOf = (client: ClientName) => services.get(client) as TestService

  before(async () => {
    upstream = await startUpstream()
    redis = await startRedis()
    const credentials: Record<ClientName, Record<string, string>> = {
      public: {},
      confidential: { JWT_CLIENT_SECRET: upstream.clientSecret },
      signed: { JWT_CLIENT_PRIVATE_KEY: JSON.stringify(upstream.clientKey) },
    }
    for (const client of ['public', 'confidential', 'signed'] as const)
      services.set(
        client,
        await startService({
          ...upstream.variables,
          ...credentials[client],
          JWT_CLIENT_ID: client,
          REDIS_URL: redis.url,
          CLIENTS: clientsVariable,
          UPSTREAM_TIMEOUT_MS: '20000',
          RATE_LIMIT_SUBJECT: '1000/60',
        }),
      )
  })
  afterEach(() => upstream.setMode('works'))
  after(async () => {
    for (const service of services.values()) await service.stop()
    await upstream.stop()
    await redis.stop()
  })

  for (const client of ['public', 'signed', 'confidential'] as const)
    it(`200, revoked: the provider mints nothing any more (${client} client)`, async () => {
      const { accessToken, refreshToken } = await upstream.login(client)
      expect(await upstream.refresh(refreshToken, client), 'before').to.equal(200)
      const answer = await logout(serviceOf(client), accessToken, { refreshToken })
      expect(resultOf(answer)).to.deep.equal([200, 'revoked'])
      expect(answer.json).to.deep.equal({ success: true, message: 'Sesión cerrada exitosamente' })
      expect(await upstream.refresh(refreshToken, client)).to.equal(400)
    })

  it('200, revoked: the endpoint is found in the metadata of the provider; one that is set goes before it', async () => {
    const found = { JWT_ISSUER: upstream.origin, JWT_AUDIENCE: 'https://api.test' }
    const settings: [Record<string, string>, string][] = [
      [{}, 'revoked'],
      [{ JWT_REVOCATION_ENDPOINT: `${upstream.origin}/elsewhere` }, 'refused'],
    ]
    for (const [more, result] of settings) {
      const service = await startService({
        ...found,
        ...more,
        JWT_DISCOVERY: 'true',
        JWT_CLIENT_ID: 'public',
        UPSTREAM_TIMEOUT_MS: '20000',
      })
      try {
        const { accessToken, refreshToken } = await upstream.login()
        expect(await upstream.refresh(refreshToken), 'before').to.equal(200)
        const answer = await logout(service, accessToken, { refreshToken })
        expect(resultOf(answer)).to.deep.equal([200, result])
        expect(await upstream.refresh(refreshToken)).to.equal(result === 'revoked' ? 400 : 200)
      } finally {
        await service.stop()
      }
    }
  })

  it('200 without the header, and the provider goes on: no refresh token was sent', async () => {
    const { accessToken, refreshToken } = await upstream.login()
    expect(resultOf(await logout(serviceOf('public'), accessToken, {}))).to.deep.equal([
      200,
      undefined,
    ])
    expect(await upstream.refresh(refreshToken)).to.equal(200)
  })

  it('200, refused, and the revocation stands: the secret is wrong', async () => {
    const service = await startService({
      ...upstream.variables,
      JWT_CLIENT_ID: 'confidential',
      JWT_CLIENT_SECRET: plant('a-secret-that-is-wrong'),
      UPSTREAM_TIMEOUT_MS: '20000',
    })
    try {
      const { accessToken, refreshToken } = await upstream.login('confidential')
      expect(resultOf(await logout(service, accessToken, { refreshToken }))).to.deep.equal([
        200,
        'refused',
      ])
      expect((await service.logout(accessToken)).status).to.equal(401)
      expect(await upstream.refresh(refreshToken, 'confidential')).to.equal(200)
      const warning = service
        .logged()
        .find(({ msg }) => msg === 'a refresh token was not revoked at its issuer')
      expect(warning).to.include({ issuer: upstream.origin, result: 'refused', why: 401 })
    } finally {
      await service.stop()
    }
  })

  const modes: [Mode, string][] = [
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
    [302, 'refused'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
    ['down', 'failed'],
  ]
  for (const [mode, result] of modes)
    it(`200, ${result}, and the revocation stands: the provider answers ${mode}`, async () => {
      const service = serviceOf('public')
      const { accessToken, refreshToken } = await upstream.login()
      upstream.setMode(mode)
      expect(resultOf(await logout(service, accessToken, { refreshToken }))).to.deep.equal([
        200,
        result,
      ])
      expect(resultOf(await logout(service, accessToken, {})), 'without it').to.deep.equal([
        401,
        undefined,
      ])
      upstream.setMode('works')
      const again = await logout(service, accessToken, { refreshToken })
      expect([...resultOf(again), again.headers['x-error-reason']]).to.deep.equal([
        401,
        'revoked',
        'revoked',
      ])
      expect(await upstream.refresh(refreshToken)).to.equal(400)
    })

  it('200, failed, after UPSTREAM_TIMEOUT_MS, and the revocation stands: the provider is silent', async () => {
    const service = await startService({
      ...upstream.variables,
      JWT_CLIENT_ID: 'public',
      UPSTREAM_TIMEOUT_MS: '50',
    })
    try {
      const { accessToken, refreshToken } = await upstream.login()
      upstream.setMode('hangs')
      expect(resultOf(await logout(service, accessToken, { refreshToken }))).to.deep.equal([
        200,
        'failed',
      ])
      expect((await service.logout(accessToken)).status).to.equal(401)
    } finally {
      await service.stop()
    }
  })

  it('the audit event has its outcome; in the trail it follows the one that was stored with the revocation', async () => {
    const service = serviceOf('signed')
    const { accessToken, refreshToken } = await upstream.login('signed')
    const requestId = `upstream-${nowS()}`
    await logout(service, accessToken, { refreshToken }, { 'x-request-id': requestId })
    const logged = service.audited().filter((event) => event['requestId'] === requestId)
    expect(logged).to.have.lengthOf(1)
    expect(logged[0]).to.include({ reason: 'logout', upstreamRevocation: 'revoked' })
    const page = await service.send({ path: '/api/v1/audit/events', headers: asClient() })
    expect(faultsOf('listAuditEvents', page)).to.deep.equal([])
    const { events } = page.json as { events: Record<string, unknown>[] }
    const stored = events.filter((event) => event['requestId'] === requestId)
    expect(stored.map((event) => event['upstreamRevocation'])).to.deep.equal(['revoked', undefined])
    expect(stored.map((event) => event['keys'])).to.deep.equal([
      logged[0]?.['keys'],
      logged[0]?.['keys'],
    ])
  })
})

describe('the refresh token of a logout', () => {
  let upstream: Upstream
  let service: TestService
  const issuer = 'https://issuer.test'
  const refreshToken = plant('a-refresh-token-that-is-never-logged')
  const page = 'https://app.example.com'
  const variables = (): Record<string, string> => ({
    JWT_ISSUER: issuer,
    JWT_REVOCATION_ENDPOINT: `${upstream.origin}/token/revocation`,
    JWT_CLIENT_ID: 'app',
    JWT_CLIENT_SECRET: 'a secret: with odd characters/é',
    UPSTREAM_TIMEOUT_MS: '20000',
    AUTH_COOKIE: 'token; Path=/',
    CORS_ORIGINS: page,
  })
  const handedOver = () => upstream.received.splice(0).map(({ form }) => form.get('token'))

  before(async () => {
    upstream = await startUpstream()
    service = await startService(variables())
  })
  beforeEach(() => {
    upstream.setMode(200)
    handedOver()
  })
  after(async () => {
    await service.stop()
    await upstream.stop()
  })

  it('403, revoked: the bearer has expired and is otherwise in order', async () => {
    const expired = await token({ exp: nowS(-5) })
    const answer = await logout(service, expired, { refreshToken })
    expect(resultOf(answer)).to.deep.equal([403, 'revoked'])
    expect(handedOver()).to.deep.equal([refreshToken])
    expect(service.audited().at(-1)).to.include({
      event: 'session_use_after_expire',
      upstreamRevocation: 'revoked',
    })
  })

  it('401 for a revoked bearer: it is handed over again, and audited', async () => {
    const jwt = await token()
    await logout(service, jwt, {})
    const answer = await logout(service, jwt, { refreshToken })
    expect(resultOf(answer)).to.deep.equal([401, 'revoked'])
    expect(handedOver()).to.deep.equal([refreshToken])
    expect(service.audited().at(-1)).to.include({
      event: 'authn_token_reuse',
      upstreamRevocation: 'revoked',
    })
  })

  it('any other refusal hands nothing over, and has no header', async () => {
    const claims = freshClaims()
    const [good, other] = [await sign(claims), await token()]
    const refused: [string, object][] = [
      ['no token', {}],
      [await token({}, 'HS256', { alg: 'HS512' }), {}],
      [await token({ iss: 'https://other.test' }), {}],
      [await token({ nbf: nowS(600) }), {}],
      [await token({ exp: nowS(-5), nbf: nowS(600) }), {}],
      [good, { token: other }],
      [good, { token: await sign({ ...claims, exp: nowS(-5) }) }],
      [await token({ exp: nowS(-5) }), { token: other }],
      [await token({ sub: undefined }), { scope: 'global' }],
      [good, { unknown: true }],
      [good, { token: undefined }],
      [good, { refreshToken: '' }],
      [good, { refreshToken: 7 }],
      [good, { refreshToken: null }],
    ]
    for (const [jwt, body] of refused) {
      const answer = await logout(service, jwt, { refreshToken, ...body })
      expect(answer.status).to.be.oneOf([400, 401, 403])
      expect(answer.headers['x-upstream-revocation']).to.equal(undefined)
    }
    expect(handedOver()).to.deep.equal([])
    expect((await logout(service, good, {})).status, 'nothing was revoked').to.equal(200)
  })

  it('400 too_long, and nothing is revoked: it is longer than MAX_TOKEN_LENGTH', async () => {
    const jwt = await token()
    const answer = await logout(service, jwt, { refreshToken: 'x'.repeat(16_385) })
    expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([400, 'too_long'])
    expect(
      resultOf(await logout(service, jwt, { refreshToken: plant('x'.repeat(16_384)) })),
    ).to.deep.equal([200, 'revoked'])
  })

  it('429 and 500 hand nothing over', async () => {
    const redis = await startRedis()
    const limited = await startService({
      ...variables(),
      REDIS_URL: redis.url,
      RATE_LIMIT_SUBJECT: '1/60',
      STORE_TIMEOUT_MS: '1000',
    })
    try {
      const claims = freshClaims()
      expect(resultOf(await logout(limited, await sign(claims), { refreshToken }))).to.deep.equal([
        200,
        'revoked',
      ])
      handedOver()
      const next = await sign({ ...claims, sid: 'next', jti: 'next' })
      expect(resultOf(await logout(limited, next, { refreshToken }))).to.deep.equal([
        429,
        undefined,
      ])
      await redis.kill()
      expect(resultOf(await logout(limited, await token(), { refreshToken }))).to.deep.equal([
        500,
        undefined,
      ])
      expect(handedOver()).to.deep.equal([])
    } finally {
      await limited.stop()
      await redis.stop()
    }
  })

  it('the client authenticates by HTTP Basic, and names the kind of token', async () => {
    await logout(service, await token(), { refreshToken })
    const [{ form, authorization } = { form: undefined, authorization: undefined }] =
      upstream.received
    expect(Object.fromEntries(form ?? [])).to.deep.equal({
      token: refreshToken,
      token_type_hint: 'refresh_token',
    })
    expect(Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64').toString()).to.equal(
      'app:a%20secret%3A%20with%20odd%20characters%2F%C3%A9',
    )
  })

  it('200, unsupported: the issuer has no revocation endpoint', async () => {
    const plain = await startService({ JWT_ISSUER: issuer })
    try {
      expect(resultOf(await logout(plain, await token(), { refreshToken }))).to.deep.equal([
        200,
        'unsupported',
      ])
      expect(upstreamsIn(plain.audited())).to.deep.equal(['unsupported'])
    } finally {
      await plain.stop()
    }
  })

  it('the logout of AUTH_COOKIE hands it over, too; pages may read the header', async () => {
    const jwt = await token()
    const withCookie = () =>
      service.send({
        method: 'POST',
        path: '/api/v1/auth/logout',
        headers: { 'content-type': 'application/json', cookie: `token=${jwt}`, origin: page },
        body: JSON.stringify({ refreshToken }),
      })
    const answer = await withCookie()
    expect(resultOf(answer)).to.deep.equal([200, 'revoked'])
    expect(answer.headers['access-control-expose-headers']).to.include('X-Upstream-Revocation')
    const again = await withCookie()
    expect(resultOf(again)).to.deep.equal([401, 'revoked'])
    expect(again.headers['set-cookie']).to.have.lengthOf(1)
    expect(handedOver()).to.deep.equal([refreshToken, refreshToken])
  })
})

describe('the revocation endpoint of an issuer that is discovered', () => {
  const resultWith = async (metadata: IssuerMetadata | undefined) => {
    const warnings: object[] = []
    const revokeUpstream = createUpstreamRevocation({
      timeoutMs: 20_000,
      now: Date.now,
      warn: (details) => warnings.push(details),
    })
    const keys = { metadata: () => metadata } as KeySource
    const issuer = { issuer: 'https://issuer.test', keys, upstream: { clientId: 'app' } } as Issuer
    return [await revokeUpstream({ claims: {}, issuer }, 'a-refresh-token'), warnings]
  }

  it('unsupported: its metadata has none; failed: the metadata is not there yet; a warning says so', async () => {
    const issuer = 'https://issuer.test'
    expect(await resultWith({ jwksUri: `${issuer}/keys` })).to.deep.equal([
      'unsupported',
      [{ issuer, result: 'unsupported', why: 'no revocation_endpoint in the metadata' }],
    ])
    expect(await resultWith(undefined)).to.deep.equal([
      'failed',
      [{ issuer, result: 'failed', why: 'no metadata' }],
    ])
  })
})
