import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { verify } from '../support/asking.js'
import { publicJwk, type KeyName } from '../support/assertions.js'
import { until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token } from '../support/tokens.js'
import {
  issSub,
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'

const issuer = { JWT_ISSUER: 'https://issuer.test' }
const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make)

describe('the limit per address of Global Token Revocation', () => {
  const requests = 5
  let service: TestService
  before(async () => {
    service = await startService({
      ...issuer,
      RATE_LIMIT_ADDRESS: `${requests}/3600`,
      ...transmitterVariables(transmitter),
    })
  })
  after(() => service.stop())

  const statusesOf = async (sent: readonly [jwt: string, body: object][]) => {
    const found: number[] = []
    for (const [jwt, body] of sent) found.push((await revokeGlobally(service, jwt, body)).status)
    return found
  }
  const genuine = (count: number) =>
    Promise.all(
      times(count, async (): Promise<[string, object]> => [
        await transmitterJwt(),
        issSub(randomUUID()),
      ]),
    )

  it('204: 100 requests of one transmitter, each with a new jti', async () =>
    expect(await statusesOf(await genuine(100))).to.deep.equal(times(100, () => 204)))

  it('429: repeated and refused JWTs and refused subjects, together; 204 for new ones all the while', async () => {
    const jwt = await transmitterJwt()
    const email = { sub_id: { format: 'email', email: 'x@example.com' } }
    const repeated: [string, object] = [jwt, issSub('a')]
    expect(await statusesOf(times(3, () => repeated))).to.deep.equal([204, 204, 204])
    expect(
      await statusesOf([
        ['x', issSub('a')],
        [await transmitterJwt(), email],
      ]),
    ).to.deep.equal([401, 404])
    expect(
      await statusesOf([
        [await transmitterJwt({ exp: nowS(-1) }), issSub('a')],
        [await transmitterJwt(), email],
        [jwt, issSub('a')],
        // A JWT that was carried out cannot end one user after another.
        [jwt, issSub('b')],
      ]),
    ).to.deep.equal([401, 429, 429, 429])
    expect(await statusesOf(await genuine(2 * requests))).to.deep.equal(
      times(2 * requests, () => 204),
    )
  })
})

describe('Global Token Revocation while something fails', () => {
  it('503 while Redis is down, and 204 for the same JWT afterwards, which is no repeat', async () => {
    const redis = await startRedis()
    const service = await startService({
      ...issuer,
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: '2000',
      RATE_LIMIT_ADDRESS: '1/3600',
      ...transmitterVariables(transmitter),
    })
    try {
      const sub = randomUUID()
      const login = await token({ sub, iat: nowS(-5) })
      const jwt = await transmitterJwt()
      await redis.kill()
      for (const status of [503, 503]) {
        const answer = await revokeGlobally(service, jwt, issSub(sub))
        expect([answer.status, answer.headers['retry-after']]).to.deep.equal([status, '1'])
      }
      await redis.restart()
      await until(
        'the sender gets its 204',
        async () => (await revokeGlobally(service, jwt, issSub(sub))).status === 204,
      )
      expect((await verify(service, login)).status).to.equal(401)
      expect((await revokeGlobally(service, jwt, issSub(sub))).status, 'a repeat').to.equal(204)
      expect((await revokeGlobally(service, jwt, issSub(sub))).status).to.equal(429)
    } finally {
      await service.stop()
      await redis.stop()
    }
  })

  it('204 for a key that the key set has only now; 503 while it cannot be fetched, then 204', async () => {
    let published: readonly KeyName[] = ['ec']
    let isUp = true
    const keys = createServer((_request, response) =>
      isUp
        ? response.end(JSON.stringify({ keys: published.map(publicJwk) }))
        : response.writeHead(500).end(),
    ).listen(0, '127.0.0.1')
    await once(keys, 'listening')
    const { port } = keys.address() as AddressInfo
    const jwksUri = `http://127.0.0.1:${port}/keys`
    const { publicKey: _, ...byUri } = { ...transmitter, jwksUri }
    let aheadMs = 0
    const service = await startService(
      { ...issuer, ...transmitterVariables(byUri) },
      { now: () => Date.now() + aheadMs },
    )
    try {
      const statusOf = async (key: KeyName) =>
        (await revokeGlobally(service, await transmitterJwt({}, { key }), issSub(randomUUID())))
          .status
      await until('the first key is known', async () => (await statusOf('ec')) === 204)
      isUp = false
      aheadMs += 60_000
      expect(await statusOf('rsa'), 'unknown is not refused').to.equal(503)
      isUp = true
      published = ['ec', 'rsa']
      aheadMs += 60_000
      await until('the new key is known', async () => (await statusOf('rsa')) === 204)
    } finally {
      await service.stop()
      keys.close()
    }
  })
})
