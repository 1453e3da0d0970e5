import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { hasSeen } from './leaks.js'
import { startRedis } from './redis.js'
import { startService } from './service.js'
import { token } from './tokens.js'

describe('the search for leaks', () => {
  it('finds a value that a service logs or stores in Redis', async () => {
    const redis = await startRedis()
    const service = await startService({ REDIS_URL: redis.url })
    const requestId = randomUUID()
    const jwt = await token()
    await service.logout(jwt, { token: jwt }, { 'x-request-id': requestId })
    const [key = ''] = await redis.client.keys('cierre:{c}:s:*')
    const digest = key.slice(key.lastIndexOf(':') + 1)
    expect([hasSeen(requestId), hasSeen(digest)]).to.deep.equal([false, false])
    await service.stop()
    expect([hasSeen(requestId), hasSeen(digest)]).to.deep.equal([true, true])
    await redis.stop()
    expect(hasSeen(digest)).to.equal(true)
  })

  it('does not find a value that was only planted', async () => {
    expect(hasSeen(await token())).to.equal(false)
  })
})
