import { once } from 'node:events'
import { METHODS } from 'node:http'
import { connect } from 'node:net'
import { expect } from 'chai'
import { until } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const path = '/api/v1/auth/verify'
const bearer = (jwt: string) => ({ authorization: `Bearer ${jwt}` })
const verify = (service: TestService, jwt: string) => service.send({ path, headers: bearer(jwt) })

describe('verify, as proxies ask it', () => {
  let service: TestService
  before(async () => {
    service = await startService({
      CORS_ORIGINS: 'https://app.example.com',
      AUTH_CLAIMS: 'role,tenant,none',
    })
  })
  after(() => service.stop())

  it('200 or 401, never 204 or 405: each method is the same question', async () => {
    const jwt = await token()
    for (const method of METHODS.filter((name) => name !== 'CONNECT')) {
      expect((await service.send({ method, path, headers: bearer(jwt) })).status, method).to.equal(
        200,
      )
      expect((await service.send({ method, path })).status, method).to.equal(401)
    }
  })

  it('200 or 401 at every path below it, whatever it looks like; 404 beside it', async () => {
    const jwt = await token()
    for (const below of ['/', '/orders/7', '//', '/..%2fadmin', '/%00', '/a?b=1&b=2', '?x=0x10']) {
      const send = (method: string, headers = {}) =>
        service.send({ method, path: `${path}${below}`, headers })
      expect((await send('PUT', bearer(jwt))).status, below).to.equal(200)
      expect((await send('GET', bearer(jwt))).status, below).to.equal(200)
      expect((await send('DELETE')).status, below).to.equal(401)
    }
    expect((await service.send({ path: `${path}x`, headers: bearer(jwt) })).status).to.equal(404)
  })

  it('a preflight request is a question, too: 401 without a token, also of an allowed origin', async () => {
    const { status, headers } = await service.send({
      method: 'OPTIONS',
      path,
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    })
    expect([status, headers['access-control-allow-origin']]).to.deep.equal([401, undefined])
  })

  it('answers without waiting for the body', async () => {
    const { hostname, port } = new URL(service.origin)
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await token()}\r\nContent-Type: text/x\r\nContent-Length: 1000000\r\n\r\nbegin`,
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString('latin1')).to.match(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })

  it('X-Auth-Claims has the named claims that the token has; 503 and a log line over 4 KiB', async () => {
    const claims = { role: ['admin', 'ü'], tenant: { id: 7 }, other: 1 }
    const { headers } = await verify(service, await token(claims))
    const field = Buffer.from(String(headers['x-auth-claims']), 'base64url').toString('utf8')
    expect(JSON.parse(field)).to.deep.equal({ role: ['admin', 'ü'], tenant: { id: 7 } })
    const bare = await verify(service, await token())
    expect(bare.headers['x-auth-claims']).to.equal(Buffer.from('{}').toString('base64url'))
    const large = await verify(service, await token({ role: 'x'.repeat(4_000) }))
    expect([large.status, large.headers['x-auth-claims']]).to.deep.equal([503, undefined])
    expect(JSON.stringify(service.logged())).to.include('X-Auth-Claims would take')
  })
})

describe('verify, from memory or from the store', () => {
  let redis: TestRedis
  let service: TestService
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    await service.stop()
    await redis.stop()
  })
  const open = async (maxStalenessMs: number) => {
    service = await startService({
      REDIS_URL: redis.url,
      MAX_STALENESS_MS: String(maxStalenessMs),
      STORE_TIMEOUT_MS: '2000',
    })
    await until('it follows', () => service.position() !== undefined)
  }

  it('while it is fresh Redis is not asked: 200, 401 once revoked, with the time that is proved', async () => {
    await open(3_600_000)
    const [good, dead] = [await token(), await token()]
    expect((await service.logout(dead)).status).to.equal(200)
    expect((await verify(service, good)).status).to.equal(200)
    redis.pause()
    const pausedAtMs = Date.now()
    const { status, headers } = await verify(service, good)
    expect(status).to.equal(200)
    const asOf = String(headers['x-auth-as-of'])
    expect(asOf).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(Date.parse(asOf)).to.be.at.most(pausedAtMs)
    expect((await verify(service, dead)).status).to.equal(401)
    redis.resume()
  })

  it('once it is stale the store is asked: 503 while it does not answer, 200 when it does', async () => {
    await open(100)
    const jwt = await token()
    redis.pause()
    await until('503', async () => (await verify(service, jwt)).status === 503)
    redis.resume()
    await until('200', async () => (await verify(service, jwt)).status === 200)
  })

  it('the instance that answered a logout refuses at once; another one soon', async () => {
    await open(5_000)
    const other = await startService({ REDIS_URL: redis.url })
    try {
      for (let time = 0; time < 20; time += 1) {
        const jwt = await token()
        expect((await service.logout(jwt)).status).to.equal(200)
        expect((await verify(service, jwt)).status).to.equal(401)
        await until('the other refuses', async () => (await verify(other, jwt)).status === 401)
      }
    } finally {
      await other.stop()
    }
  })
})
