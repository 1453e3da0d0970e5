import { expect } from 'chai'
import { startRedis } from './support/redis.js'
import { startService } from './support/service.js'

describe('health', () => {
  it('asks the store once in a second, however many ask the service', async () => {
    const redis = await startRedis()
    const clock = { ms: Date.now() }
    const service = await startService({ REDIS_URL: redis.url }, { now: () => clock.ms })
    const asked = async () => Number(/cmdstat_info:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0)
    try {
      const before = await asked()
      await Promise.all(Array.from({ length: 20 }, () => service.send({ path: '/health/ready' })))
      clock.ms += 999
      await service.send({ path: '/health/ready' })
      // One of them is our own question.
      expect((await asked()) - before).to.equal(2)
      clock.ms += 1
      await service.send({ path: '/health/ready' })
      expect((await asked()) - before).to.equal(4)
    } finally {
      await service.stop()
      await redis.stop()
    }
  })

  it('says that persistence is off, and is ready all the same', async () => {
    const redis = await startRedis(['--appendonly', 'no'])
    const service = await startService({ REDIS_URL: redis.url })
    try {
      const { status, json } = await service.send({ path: '/health/ready' })
      expect(status).to.equal(200)
      expect((json as { checks: unknown[] }).checks).to.deep.include({ name: 'persistence', status: 'warning' })
    } finally {
      await service.stop()
      await redis.stop()
    }
  })
})
