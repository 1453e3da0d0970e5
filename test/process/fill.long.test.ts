import { expect } from 'chai'
import { claimKey } from '../../src/token/keys.js'
import { exitCode, runMain } from '../support/instance.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

const program = new URL('../../scripts/bench/fill.ts', import.meta.url).pathname

describe('scripts/bench/fill.ts', function () {
  this.timeout(120_000)
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  const fill = async (args: string[], url = redis.url) => {
    const nodeArgs = ['--import', 'tsx']
    const { child, output } = runMain({ program, nodeArgs, args, env: { REDIS_URL: url } })
    const code = await exitCode(child)
    return { code, ...output }
  }
  const filled = async (args: string[]) => {
    const { code, out, err } = await fill(args)
    expect(code, err).to.equal(0)
    return JSON.parse(out.trim().split('\n').at(-1)!) as { stored: number; seconds: number }
  }
  const verify = async (sid: string) => {
    const service = await startService({ REDIS_URL: redis.url })
    try {
      const headers = { authorization: `Bearer ${await token({ sid })}` }
      return (await service.send({ path: '/api/v1/auth/verify', headers })).status
    } finally {
      await service.stop()
    }
  }
  const leftDays = async (index: number) => {
    const key = `cierre:{c}:${claimKey('s', 'https://issuer.test', `fill-${index}`)}`
    return (await redis.client.pTTL(key)) / 86_400_000
  }

  it('in bulk: a token of such a session is refused, the i-th expires 1 + (i mod days) days from now, and there is no event', async () => {
    const result = await filled(['5003'])
    expect(result.stored).to.equal(5_003)
    expect(result.seconds).to.be.above(0)
    expect(await redis.client.xLen('cierre:{c}:feed'), 'the genesis event').to.equal(1)
    for (const [index, days] of [
      [0, 1],
      [29, 30],
      [30, 1],
      [5_002, 23],
    ] as const)
      expect(await leftDays(index)).to.be.within(days - 0.01, days)
    expect(await leftDays(5_003), 'none further').to.be.below(0)
    expect([await verify('fill-5002'), await verify('fill-5003')]).to.deep.equal([401, 200])
    await filled(['10', '--days', '1'])
    expect(await leftDays(9), 'never shortened').to.be.within(9.99, 10)
  })

  it('with a rate: each with its event, and not faster than the rate', async () => {
    const before = await redis.client.xLen('cierre:{c}:feed')
    const args = ['300', '--first', '10000', '--days', '7', '--rate', '500']
    const { stored, seconds } = await filled(args)
    expect(stored).to.equal(300)
    expect(seconds).to.be.at.least(299 / 500)
    expect(await redis.client.xLen('cierre:{c}:feed')).to.equal(before + 300)
    expect(await leftDays(10_299)).to.be.within(2.99, 3)
    expect(await verify('fill-10299')).to.equal(401)
  })

  it('exits with 1 and says what is wrong with an argument', async () => {
    for (const [args, said] of [
      [[], 'COUNT'],
      [['x'], 'COUNT'],
      [['5', '--days', '0'], '--days'],
      [['5', '--rate', '-1'], '--rate'],
      [['5', '6'], 'COUNT'],
      [['5', '--no-such'], '--no-such'],
    ] as [string[], string][]) {
      const { code, out, err } = await fill(args)
      expect([code, out]).to.deep.equal([1, ''])
      expect(err).to.include(said)
    }
    expect((await fill(['5'], 'memory:')).err).to.include('REDIS_URL')
  })
})
