import { expect } from 'chai'
import { redisAuditTrail } from '../../../src/store/redis/audit-trail.js'
import { startRedis, type TestRedis } from '../../support/redis.js'

describe('the audit trail in Redis', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('drops events by age', async () => {
    const now = Date.now()
    for (let at = 0; at < 250; at += 1)
      await redis.client.xAdd('cierre:{c}:audit', `${now - 120_000 + at}-0`, { e: '{}' })
    const stored = redisAuditTrail(
      { run: (work) => work(redis.client) },
      {
        maxEvents: 1000,
        maxAgeMs: 60_000,
        now: () => now,
      },
    )
    await stored.append('{}')
    await stored.trim()
    expect(await redis.client.xLen('cierre:{c}:audit')).to.be.lessThan(100)
  })
})
