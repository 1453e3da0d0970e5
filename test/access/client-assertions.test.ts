import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { parseConfig, type ConfigError } from '../../src/config/config.js'
import { faultsOf } from '../support/contract.js'
import { assertionOf, assertionType, publicJwk, type KeyName } from '../support/assertions.js'
import { asClient, clients } from '../support/clients.js'
import type { Answer } from '../support/http.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, nowS, token, type Claims } from '../support/tokens.js'

const publicUrl = 'https://auth.example.com'
const every = ['introspect', 'revoke', 'feed', 'audit'] as const
const withKeys = (uri: string) => [
  ...clients,
  { id: 'keys', jwks: { keys: [publicJwk('ec')] }, allow: every },
  { id: 'remote', jwksUri: uri, allow: every },
  { id: 'reader', jwks: publicJwk('rsa'), allow: ['introspect'] },
]

describe('machine clients without a shared secret (private_key_jwt)', function () {
  this.timeout(60_000)
  let redis: TestRedis
  let service: TestService
  let other: TestService
  let shiftMs = 0
  let isKeySetUp = true
  const keySet = createServer((_request, response) =>
    isKeySetUp
      ? void response
          .writeHead(200, { 'Content-Type': 'application/json' })
          .end(JSON.stringify({ keys: [publicJwk('rsa')] }))
      : void response.writeHead(503).end(),
  )
  let variables: Record<string, string>

  before(async () => {
    redis = await startRedis()
    keySet.listen(0, '127.0.0.1')
    await once(keySet, 'listening')
    const { port } = keySet.address() as AddressInfo
    variables = {
      REDIS_URL: redis.url,
      PUBLIC_URL: publicUrl,
      CLIENTS: JSON.stringify(withKeys(`http://127.0.0.1:${port}/jwks`)),
    }
    const now = () => Date.now() + shiftMs
    service = await startService(variables, { now })
    other = await startService(variables, { now })
  })
  afterEach(() => {
    shiftMs = 0
  })
  after(async () => {
    await service.stop()
    await other.stop()
    keySet.closeAllConnections()
    keySet.close()
    await redis.stop()
  })

  const assertion = (
    claims: Claims = {},
    of: { id?: string; key?: KeyName; header?: object } = {},
  ) => assertionOf(of.id ?? 'keys', { aud: publicUrl, ...claims }, of)
  const form = async (
    operation: 'introspect' | 'revoke',
    members: Record<string, string>,
    at: TestService = service,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await at.send({
      method: 'POST',
      path: `/oauth/${operation}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(members).toString(),
    })
    expect(faultsOf(operation, answer)).to.deep.equal([])
    return answer
  }
  const asserted = (jwt: string, more: Record<string, string> = {}) => ({
    client_assertion_type: assertionType,
    client_assertion: jwt,
    ...more,
  })
  const introspect = async (jwt: string, at = service, more: Record<string, string> = {}) =>
    (await form('introspect', asserted(jwt, { token: await token(), ...more }), at)).status
  const revoke = async (jwt: string, at = service) =>
    (await form('revoke', asserted(jwt, { token: await token() }), at)).status
  const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })

  it('200: by a given key and by a key set, in a form and as a bearer, at every operation', async () => {
    for (const of of [{}, { id: 'remote', key: 'rsa' }] as const) {
      const jwt = await token()
      const asked = await form(
        'introspect',
        asserted(await assertion({}, of), { token: jwt, client_id: of.id ?? 'keys' }),
      )
      expect(asked.json).to.include({ active: true })
      expect(
        (await form('revoke', asserted(await assertion({}, of), { token: jwt }))).status,
      ).to.equal(200)
      const again = await form(
        'introspect',
        { token: jwt },
        service,
        bearer(await assertion({}, of)),
      )
      expect(again.json).to.deep.equal({ active: false })
      for (const path of [
        '/api/v1/revocations/position?version=2',
        '/api/v1/audit/events',
        '/api/v1/revocations/s:STZdE5UhiKXu7dz9QIFjCA',
      ])
        expect(
          (await service.send({ path, headers: bearer(await assertion({}, of)) })).status,
          path,
        ).to.equal(200)
      const revoked = await service.send({
        method: 'POST',
        path: '/api/v1/revocations',
        headers: { 'content-type': 'application/json', ...bearer(await assertion({}, of)) },
        body: JSON.stringify({ iss: null, sub: 'alice', reason: 'admin' }),
      })
      expect(revoked.status).to.equal(200)
    }
    const events = service.audited().filter(({ client }) => client === 'remote')
    expect(events.map(({ reason }) => reason)).to.include.members(['oauth_revocation', 'admin'])
  })

  it('in order: aud as an array of one, every typ of RFC 7523, no iat, the longest life', async () => {
    for (const [claims, header] of [
      [{ aud: [publicUrl] }, {}],
      [{}, { typ: 'JWT' }],
      [{}, { typ: 'client-authentication+jwt' }],
      [{ iat: undefined }, {}],
      [{ exp: nowS(600), iat: nowS() }, {}],
      [{ nbf: nowS(30), iat: nowS(30), exp: nowS(90) }, {}],
    ] as const)
      expect(await introspect(await assertion(claims, { header }))).to.equal(200)
  })

  it('401 invalid_client, with the cause in the log: anything that RFC 7523 §3 forbids', async () => {
    const cases: [string, Promise<string>][] = [
      ['audience', assertion({ aud: `${publicUrl}/oauth/introspect` })],
      ['audience', assertion({ aud: [publicUrl, 'https://other.test'] })],
      ['audience', assertion({ aud: undefined })],
      ['audience', assertion({ aud: [] })],
      ['audience', assertion({ aud: 'https://issuer.test' })],
      ['subject', assertion({ sub: 'all' })],
      ['unknown_issuer', assertion({ iss: 'all', sub: 'all' })],
      ['unknown_issuer', assertion({ iss: 'no-such-client', sub: 'no-such-client' })],
      ['unknown_issuer', assertion({ iss: undefined })],
      ['no_jti', assertion({ jti: undefined })],
      ['no_jti', assertion({ jti: '' })],
      ['no_exp', assertion({ exp: undefined })],
      ['no_exp', assertion({ exp: 'soon' })],
      ['expired', assertion({ exp: nowS(-1) })],
      ['lives_too_long', assertion({ exp: nowS(700) })],
      ['lives_too_long', assertion({ iat: nowS(-700), exp: nowS(30) })],
      ['lives_too_long', assertion({ iat: undefined, exp: nowS(700) })],
      ['not_yet_valid', assertion({ nbf: nowS(300), exp: nowS(400) })],
      ['not_yet_valid', assertion({ iat: nowS(300), exp: nowS(400) })],
      ['claims', assertion({ iat: 'now' })],
      ['typ', assertion({}, { header: { typ: 'at+jwt' } })],
      ['typ', assertion({}, { header: { typ: 'logout+jwt' } })],
      ['unknown_key', assertion({}, { header: { kid: 'another' } })],
      ['algorithm', assertion({}, { key: 'rsa' })],
      ['spelling', Promise.resolve('no.jwt')],
      ['signature', assertion().then((jwt) => `${jwt.slice(0, -8)}AAAAAAAA`)],
    ]
    for (const [cause, made] of cases) {
      const jwt = await made
      for (const operation of ['introspect', 'revoke'] as const) {
        const answer = await form(operation, asserted(jwt, { token: await token() }))
        expect([answer.status, answer.json], cause).to.deep.equal([
          401,
          { error: 'invalid_client' },
        ])
      }
      // The log samples refusals, ten a second.
      shiftMs += 1_000
    }
    const reasons = new Set(service.audited().map(({ reason }) => reason))
    expect([...reasons]).to.include.members(cases.map(([cause]) => `client_assertion_${cause}`))
  })

  it('401: another client_id in the form, another client_assertion_type; 400: credentials twice', async () => {
    const [jwt, subject] = [await assertion(), await token()]
    const wrongId = await form('introspect', asserted(jwt, { token: subject, client_id: 'all' }))
    expect(wrongId.status).to.equal(401)
    const wrongType = { client_assertion_type: 'urn:x', client_assertion: jwt, token: subject }
    expect((await form('introspect', wrongType)).status).to.equal(401)
    for (const [more, headers] of [
      [{ client_id: 'keys', client_secret: 'x' }, {}],
      [{}, asClient()],
      [{}, bearer(jwt)],
    ] as [Record<string, string>, Record<string, string>][])
      expect(
        (await form('introspect', asserted(jwt, { token: subject, ...more }), service, headers))
          .status,
      ).to.equal(400)
  })

  it('403: a client that lacks the permission; a secret never passes for a client with keys', async () => {
    const reader = () => assertion({}, { id: 'reader', key: 'rsa' })
    expect(await introspect(await reader())).to.equal(200)
    expect(await revoke(await reader())).to.equal(403)
    const secret = { token: await token(), client_id: 'keys', client_secret: 'x' }
    expect((await form('introspect', secret)).status).to.equal(401)
  })

  it('revokes once: the same assertion is 401 afterwards, at every instance', async () => {
    const jwt = await assertion()
    expect(await revoke(jwt)).to.equal(200)
    expect([await revoke(jwt), await revoke(jwt, other)]).to.deep.equal([401, 401])
    const [one, two] = [await assertion({ jti: 'same' }), await assertion({ jti: 'same' })]
    expect([await revoke(one), await revoke(two, other)]).to.deep.equal([200, 401])
    const ofOther = await assertion({ jti: 'same' }, { id: 'remote', key: 'rsa' })
    expect(await revoke(ofOther), 'a jti is that of one client').to.equal(200)
    const asked = await assertion()
    expect([await introspect(asked), await revoke(asked)]).to.deep.equal([200, 401])
    const concurrent = await assertion()
    const statuses = await Promise.all(
      [service, other, service, other].map((at) => revoke(concurrent, at)),
    )
    expect(statuses.sort()).to.deep.equal([200, 401, 401, 401])
  })

  it('questions may use an assertion again for 60 s, and no longer', async () => {
    const jwt = await assertion({ exp: nowS(500) })
    expect(await introspect(jwt)).to.equal(200)
    shiftMs = 59_000
    expect(await introspect(jwt)).to.equal(200)
    shiftMs = 61_000
    expect(await introspect(jwt)).to.equal(401)
    expect(await revoke(jwt)).to.equal(401)
  })

  it('the embedded store counts uses, too', async () => {
    const alone = await startService({ ...variables, REDIS_URL: 'memory:' })
    try {
      const jwt = await assertion()
      expect([await revoke(jwt, alone), await revoke(jwt, alone)]).to.deep.equal([200, 401])
    } finally {
      await alone.stop()
    }
  })

  it('503: the store is down, or the key set of the client cannot be fetched', async () => {
    const own = await startRedis()
    isKeySetUp = false
    const failing = await startService({
      ...variables,
      REDIS_URL: own.url,
      STORE_TIMEOUT_MS: '1000',
    })
    try {
      const remote = await assertion({}, { id: 'remote', key: 'rsa' })
      expect(await introspect(remote, failing)).to.equal(503)
      expect((await failing.send({ path: '/health/ready' })).status, 'it is ready').to.equal(200)
      await own.kill()
      expect(await revoke(await assertion(), failing)).to.equal(503)
    } finally {
      isKeySetUp = true
      await failing.stop()
      await own.stop()
    }
  })

  it('a reload takes over other keys, and the metadata names the method', async () => {
    const changing = await startService(variables)
    try {
      expect(await introspect(await assertion(), changing)).to.equal(200)
      const next = [{ id: 'keys', jwks: publicJwk('rsa'), allow: every }]
      changing.reload(
        parseConfig({ ...variables, JWT_SECRET: hmacSecret, CLIENTS: JSON.stringify(next) }),
      )
      expect(await introspect(await assertion(), changing)).to.equal(401)
      expect(await introspect(await assertion({}, { key: 'rsa' }), changing)).to.equal(200)
      const path = '/.well-known/oauth-authorization-server'
      const { json } = await changing.send({ path })
      for (const endpoint of ['introspection', 'revocation']) {
        expect(json)
          .to.have.property(`${endpoint}_endpoint_auth_methods_supported`)
          .that.includes('private_key_jwt')
        expect(json)
          .to.have.property(`${endpoint}_endpoint_auth_signing_alg_values_supported`)
          .that.includes('ES256')
      }
    } finally {
      await changing.stop()
    }
  })
})

describe('CLIENTS with keys', () => {
  const faults = (entry: object, env: Record<string, string> = { PUBLIC_URL: publicUrl }) => {
    try {
      const CLIENTS = JSON.stringify([{ id: 'a', allow: ['revoke'], ...entry }])
      parseConfig({ REDIS_URL: 'memory:', JWT_SECRET: hmacSecret, CLIENTS, ...env })
      return []
    } catch (error) {
      return (error as ConfigError).faults
    }
  }
  const jwks = { keys: [publicJwk('ec')] }

  it('an entry has one of secretSha256, jwks and jwksUri', () => {
    const one = ['CLIENTS[0]: must have one of secretSha256, jwks, jwksUri']
    expect(faults({})).to.deep.equal(one)
    expect(faults({ jwks, jwksUri: 'https://client.test/jwks' })).to.deep.equal(one)
    expect(faults({ jwks, secretSha256: '0'.repeat(64) })).to.deep.equal(one)
    for (const entry of [{ jwks }, { jwks: publicJwk('rsa') }, { jwksUri: 'https://c.test/jwks' }])
      expect(faults(entry)).to.deep.equal([])
  })

  it('needs PUBLIC_URL, keys that are public, and a URL', () => {
    expect(faults({ jwks }, {})).to.deep.equal([
      'CLIENTS needs PUBLIC_URL, the aud of assertions, for jwks and jwksUri',
    ])
    expect(faults({ jwks: { keys: [] } })[0]).to.match(/^CLIENTS\[0\]\.jwks a JWKS needs/)
    expect(faults({ jwks: { ...publicJwk('ec'), d: 'secret' } })[0]).to.equal(
      'CLIENTS[0].jwks is a private key; give the public one',
    )
    expect(faults({ jwksUri: 'file:///keys' })[0]).to.match(/^CLIENTS\[0\]\.jwksUri must be/)
  })
})
