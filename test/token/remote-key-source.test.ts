import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { decodeProtectedHeader, SignJWT } from 'jose'
import { createRevocation, introspect, revoke, verify } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startIssuer } from '../support/issuer.js'
import { plant } from '../support/leaks.js'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, rsa, token } from '../support/tokens.js'

describe('tokens of a real OpenID provider, verified through its JWKS over HTTP', () => {
  let redis: TestRedis
  let issuer: Awaited<ReturnType<typeof startIssuer>>
  let service: TestService
  let aheadMs = 0
  const variables = () => ({
    REDIS_URL: redis.url,
    CLIENTS: clientsVariable,
    JWT_JWKS_URI: issuer.jwksUri,
    JWT_ISSUER: issuer.origin,
    JWT_AUDIENCE: issuer.resource,
    JWT_TYP: 'at+jwt',
  })

  before(async () => {
    redis = await startRedis()
    issuer = await startIssuer()
  })
  beforeEach(async () => {
    aheadMs = 0
    service = await startService(variables(), { now: () => Date.now() + aheadMs })
    await until('the keys are loaded', () => service.isReady())
  })
  afterEach(async () => {
    issuer.setDown(false)
    await service.stop()
  })
  after(async () => {
    await issuer.stop()
    await redis.stop()
  })

  for (const algorithm of ['RS256', 'ES256', 'EdDSA', 'PS256']) {
    it(`200 and stored in Redis, then 401 from every instance: ${algorithm}`, async () => {
      const second = await startService(variables())
      try {
        const jwt = await issuer.accessToken(algorithm)
        expect(decodeProtectedHeader(jwt)).to.include({ alg: algorithm, typ: 'at+jwt' })
        const before = await redis.client.keys('cierre:{c}:t:*')
        expect((await service.logout(jwt)).status).to.equal(200)
        expect(await redis.client.keys('cierre:{c}:t:*')).to.have.length(before.length + 1)
        expect((await service.logout(jwt)).status).to.equal(401)
        expect((await second.logout(jwt)).status).to.equal(401)
      } finally {
        await second.stop()
      }
    })
  }

  it('200: rotated keys are fetched for an unknown kid; 401 with the old ones', async () => {
    const old = await issuer.accessToken('ES256')
    await issuer.rotate()
    aheadMs = 6_000
    const fresh = await issuer.accessToken('ES256')
    expect((await service.logout(fresh)).status).to.equal(200)
    expect((await afterCoolDown(() => service.logout(old))).status).to.equal(401)
  })

  it('401 for an unknown kid after a later fetch; many of them cause few fetches, and 8 of one address wait', async () => {
    const jwt = await issuer.accessToken('RS256')
    await issuer.rotate()
    aheadMs = 6_000
    expect(
      (await service.logout(await issuer.accessToken('RS256'))).status,
      'learns the new keys',
    ).to.equal(200)
    aheadMs = 12_000
    const before = issuer.jwksRequests()
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.logout(jwt)))
    const [waited, refused] = [401, 500].map(
      (status) => answers.filter((answer) => answer.status === status).length,
    )
    expect(waited, 'as many as may wait at a time').to.be.at.least(8)
    expect(refused, 'the others').to.equal(20 - Number(waited))
    const fetched = issuer.jwksRequests()
    expect(fetched - before, 'one, and one more for those that came after it').to.be.within(1, 2)
    expect(
      [(await verify(service, jwt)).status, issuer.jwksRequests()],
      'a check is answered at once',
    ).to.deep.equal([503, fetched])
    const patient = await afterCoolDown(() => service.logout(jwt))
    expect([patient.status, issuer.jwksRequests()], 'the next permitted fetch').to.deep.equal([
      401,
      fetched + 1,
    ])
  })

  it('200: every operation that ends tokens waits for a key published within the cool-down of the last fetch', async () => {
    await issuer.rotate()
    const jwt = await issuer.accessToken('RS256')
    expect(
      [(await verify(service, jwt)).status, (await introspect(service, jwt)).status],
      'unknown, not invalid',
    ).to.deep.equal([503, 503])
    const answers = await afterCoolDown(() =>
      Promise.all([
        service.logout(jwt),
        revoke(service, jwt),
        createRevocation(service, { token: jwt, reason: 'admin' }),
      ]),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses[0]).to.be.oneOf([200, 401])
    expect(statuses.slice(1)).to.deep.equal([200, 200])
    expect((await verify(service, jwt)).headers['x-error-reason']).to.equal('revoked')
  })

  it('200: a key that was replaced under its own kid is fetched after a failed signature, once in 30 s', async () => {
    const old = await issuer.accessToken('ES256')
    await issuer.rotate({ keepsKids: true })
    aheadMs += 31_000
    const [jwt, other] = [await issuer.accessToken('ES256'), await issuer.accessToken('ES256')]
    const before = issuer.jwksRequests()
    expect((await service.logout(jwt)).status).to.equal(200)
    expect((await verify(service, other)).status).to.equal(200)
    expect((await service.logout(old)).status, 'its key is gone').to.equal(401)
    expect(issuer.jwksRequests() - before).to.equal(1)
    aheadMs += 31_000
    issuer.setDown(true)
    expect(
      (await service.logout(old)).status,
      'the key may have been replaced again: unknown',
    ).to.equal(500)
  })

  it('200: also for a new kid where a key has no kid, and for a token without kid where every key has one', async () => {
    const [old, fresh] = [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ]
    const jwk = ({ publicKey }: typeof old, more: object) => ({
      ...publicKey.export({ format: 'jwk' }),
      alg: 'RS256',
      ...more,
    })
    const cases = [
      { before: [jwk(old, {}), jwk(rsa, { kid: 'other' })], named: { kid: 'new' } },
      { before: [jwk(old, { kid: 'old' })], named: {} },
    ]
    for (const { before, named } of cases) {
      let keys = before
      const server = createServer((_request, response) =>
        response
          .writeHead(200, { 'Content-Type': 'application/json' })
          .end(JSON.stringify({ keys })),
      ).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
      const own = await startService(
        { CLIENTS: clientsVariable, JWT_JWKS_URI: uri },
        { now: () => Date.now() + aheadMs },
      )
      try {
        await until('the keys are loaded', () => own.isReady())
        keys = [...before, jwk(fresh, { kid: 'new' })]
        const jwt = plant(
          await new SignJWT(freshClaims())
            .setProtectedHeader({ alg: 'RS256', ...named })
            .sign(fresh.privateKey),
        )
        const arrived = once(own.server, 'request')
        const answer = revoke(own, jwt)
        await arrived
        aheadMs += 6_000
        expect((await answer).status).to.equal(200)
        expect((await verify(own, jwt)).headers['x-error-reason'], JSON.stringify(named)).to.equal(
          'revoked',
        )
      } finally {
        await own.stop()
        server.close()
        server.closeAllConnections()
      }
    }
  })

  it('503 for unknown keys does not fill the log; a shutdown ends the waits with 500', async () => {
    const jwt = await token({ iss: issuer.origin, aud: issuer.resource }, 'RS256', {
      kid: 'forged',
      typ: 'at+jwt',
    })
    for (let round = 0; round < 50; round += 1)
      expect((await verify(service, jwt)).status).to.equal(503)
    expect(service.logged().filter(({ level }) => level === 'error')).to.deep.equal([])
    expect(service.audited().filter(({ reason }) => reason === 'keys').length).to.be.within(1, 20)
    const arrived = once(service.server, 'request')
    const waiting = service.logout(jwt)
    await arrived
    const drained = service.drain(10_000)
    expect((await waiting).status).to.equal(500)
    await drained
  })

  it('an empty key set counts as a failed fetch: 200 with known keys, 500 with unknown ones', async () => {
    const known = await issuer.accessToken('RS256')
    await issuer.rotate()
    const unknown = await issuer.accessToken('RS256')
    issuer.setEmpty(true)
    aheadMs += 6_000
    try {
      expect((await service.logout(unknown)).status).to.equal(500)
      expect(
        (await service.logout(known)).status,
        'its key left the issuer, not the service',
      ).to.equal(200)
    } finally {
      issuer.setEmpty(false)
      aheadMs += 6_000
    }
    expect((await service.logout(unknown)).status).to.equal(200)
  })

  it('500, not 401, for an unknown kid while the issuer is down; 200 with known keys', async () => {
    const known = await issuer.accessToken('RS256')
    await issuer.rotate()
    const unknown = await issuer.accessToken('RS256')
    issuer.setDown(true)
    aheadMs = 6_000
    expect((await service.logout(unknown)).status).to.equal(500)
    expect((await afterCoolDown(() => service.logout(unknown))).status).to.equal(500)
    expect((await service.logout(known)).status).to.equal(200)
    issuer.setDown(false)
    aheadMs += 6_000
    expect((await service.logout(unknown)).status).to.equal(200)
  })

  it('500, and not ready, until the issuer is up', async () => {
    issuer.setDown(true)
    const early = await startService(variables())
    try {
      expect(await early.isReady()).to.equal(false)
      expect((await early.logout(await tokenWhileDown())).status).to.equal(500)
    } finally {
      await early.stop()
    }
  })

  it('200 with new keys after a clock that was an hour ahead is set right', async () => {
    aheadMs = 3_600_000
    // The embedded store has no clock of its own to compare with.
    const embedded = { ...variables(), REDIS_URL: 'memory:' }
    const ahead = await startService(embedded, { now: () => Date.now() + aheadMs })
    try {
      await until('the keys are loaded', () => ahead.isReady())
      aheadMs = 0
      await issuer.rotate()
      const jwt = await issuer.accessToken('ES256')
      await until('the new keys are known', async () => (await ahead.logout(jwt)).status === 200)
    } finally {
      await ahead.stop()
    }
  })

  it('the key set is refreshed in the background', async () => {
    const before = issuer.jwksRequests()
    aheadMs = 301_000
    await until('the keys are fetched again', () => issuer.jwksRequests() > before)
  })

  /** Lets the cool-down pass once the request has arrived. */
  async function afterCoolDown<T>(work: () => Promise<T>): Promise<T> {
    const arrived = once(service.server, 'request')
    const answer = work()
    await arrived
    aheadMs += 6_000
    return answer
  }

  async function tokenWhileDown(): Promise<string> {
    issuer.setDown(false)
    const jwt = await issuer.accessToken('RS256')
    issuer.setDown(true)
    return jwt
  }
})
