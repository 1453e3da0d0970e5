import { expect } from 'chai'
import type { Guard } from '../../../src/guard.js'
import { clientsVariable } from '../../support/clients.js'
import { startGuard, statusOf } from '../../support/guard.js'
import { until } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { startService, type TestService } from '../../support/service.js'
import { token } from '../../support/tokens.js'

describe('a Redis that was a primary, at the same address', () => {
  let redis: TestRedis
  let service: TestService
  let guard: Guard
  before(async () => {
    redis = await startRedis()
    service = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      MAX_STALENESS_MS: '2000',
    })
    guard = startGuard(service.origin, { maxStalenessMs: 2_000 })
    guard.on('warning', () => undefined)
    await guard.ready()
  })
  after(async () => {
    await guard.close()
    await service.stop()
    await redis.stop()
  })

  it('a replica that may lag without end: 503 to checks and guards, until it is a primary again', async () => {
    const jwt = await token()
    const answers = async () => [
      (
        await service.send({
          path: '/api/v1/auth/verify',
          headers: { authorization: `Bearer ${jwt}` },
        })
      ).status,
      await statusOf(guard, jwt),
    ]
    expect(await answers()).to.deep.equal([200, 200])
    const all = (wanted: number) => async () =>
      (await answers()).every((status) => status === wanted)
    await redis.client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    await until('neither says that the token works', all(503))
    // For longer than a guard may be stale.
    const endMs = performance.now() + 3_000
    while (performance.now() < endMs) expect(await answers()).to.deep.equal([503, 503])
    await redis.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await until('both say so again', all(200))
  })
})
