import { expect } from 'chai'
import { auditEvents, erase } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const iss = 'https://issuer.test'

/** Appends logouts of several people, as the service writes them, and says how many are alice's. */
async function appendMany({ client }: TestRedis, count: number): Promise<number> {
  const script = `
    local alices = 0
    for i = 1, ARGV[1] do
      local name = 'user-' .. i % 997
      if i % 1000 == 7 then name, alices = 'alice', alices + 1 end
      redis.call('XADD', KEYS[1], '*', 'e', '{"time":"2026-11-26T08:00:00.000Z",' ..
        '"event":"authn_token_revoked","outcome":"success","reason":"logout",' ..
        '"requestId":"3f0c1f8e-6d0b-4a55-9f6e-' .. string.format('%012d', i) .. '",' ..
        '"issuer":"${iss}","subject":"' .. name .. '",' ..
        '"keys":["s:STZdE5UhiKXu7dz9QIFjCA"],"address":"127.0.0.0/24","userAgent":"a browser"}')
    end
    return alices`
  let alices = 0
  for (let left = count; left > 0; left -= 10_000)
    alices += Number(
      await client.eval(script, { keys: ['cierre:{c}:audit'], arguments: ['10000'] }),
    )
  return alices
}

describe('eraseSubject in a large trail', function () {
  this.timeout(300_000)
  let redis: TestRedis
  let service: TestService
  before(async () => {
    redis = await startRedis(['--appendfsync', 'no'])
    service = await startService({ CLIENTS: clientsVariable, REDIS_URL: redis.url })
  })
  after(async () => {
    await service.stop()
    await redis.client.flushAll()
    await redis.stop()
  })

  it('200 after a million events; logouts go on meanwhile, and what they write stays', async () => {
    const alices = await appendMany(redis, 1_000_000)
    let isDone = false
    const erasing = erase(service, { iss, sub: 'alice' }).finally(() => (isDone = true))
    let meanwhile = 0
    while (!isDone) {
      const sub = meanwhile % 2 === 0 ? 'alice' : 'bob'
      expect((await service.logout(await token({ sub }))).status).to.equal(200)
      meanwhile += 1
    }
    expect(meanwhile).to.be.above(5)
    const { status, json } = await erasing
    const { erased: count } = json as { erased: number }
    expect(status).to.equal(200)
    // Its first read may come after some of the logouts, but not after all of them.
    expect(count).to.be.at.least(alices)
    const left = await auditEvents(service, '?subject=alice')
    expect(left.json).to.have.property('events').that.is.not.empty
    expect(await redis.client.xLen('cierre:{c}:audit')).to.equal(1_000_000 + meanwhile - count + 1)
  })

  it('200 to several at once, and each event is counted once', async () => {
    const events = await redis.client.xLen('cierre:{c}:audit')
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => erase(service, { iss, sub: 'user-1' })),
    )
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200])
    const counts = answers.map(({ json }) => (json as { erased: number }).erased)
    expect(counts.reduce((sum, count) => sum + count)).to.equal(
      events + 3 - (await redis.client.xLen('cierre:{c}:audit')),
    )
  })
})
