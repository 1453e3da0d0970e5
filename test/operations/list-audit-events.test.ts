import { expect } from 'chai'
import { auditEvents, createRevocation } from '../support/asking.js'
import { clientsVariable } from '../support/clients.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

type Page = { events: { subject: string; reason: string }[]; cursor: string | null }

describe('listAuditEvents', () => {
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
  afterEach(() => redis.client.del('cierre:{c}:audit'))

  const page = async (query: string) => (await auditEvents(service, query)).json as Page
  const hourMs = 3_600_000
  const add = (subject: string, takenAtMs: number, timeMs = takenAtMs) =>
    redis.client.xAdd('cierre:{c}:audit', `${takenAtMs}-0`, {
      e: JSON.stringify({
        time: new Date(timeMs).toISOString(),
        event: 'authn_token_revoked',
        outcome: 'success',
        reason: 'logout',
        requestId: 'r',
        subject,
      }),
    })

  it('200: events of a client, and of a reason', async () => {
    await service.logout(await token({ sub: 'alice' }))
    await createRevocation(service, { iss: 'https://issuer.test', sub: 'bob', reason: 'admin' })
    const subjects = async (query: string) =>
      (await page(query)).events.map(({ subject }) => subject)
    expect(await subjects('?client=all')).to.deep.equal(['bob'])
    expect(await subjects('?reason=logout')).to.deep.equal(['alice'])
    expect(await subjects('?client=all&reason=logout')).to.deep.equal([])
    expect(await subjects('?client=other')).to.deep.equal([])
    for (const query of ['?client=', '?reason=', '?reason=A', `?client=${'a'.repeat(257)}`])
      expect((await auditEvents(service, query)).status, query).to.equal(400)
  })

  it('200: with `from` the reading ends a day before it by the clock of the store', async () => {
    const nowMs = Date.now()
    await add('too old', nowMs - 30 * hourMs, nowMs)
    await add('by a slow clock', nowMs - 20 * hourMs, nowMs)
    await add('old', nowMs - 10 * hourMs)
    await add('new', nowMs)
    const from = new Date(nowMs - hourMs).toISOString()
    const { events, cursor } = await page(`?from=${from}`)
    expect(events.map(({ subject }) => subject)).to.deep.equal(['new', 'by a slow clock'])
    expect(cursor).to.equal(null)
  })

  it('200: a recent event before many old ones is found in one page', async () => {
    const oldMs = Date.now() - 100 * hourMs
    await redis.client.eval(
      `for i = 1, 20000 do redis.call('XADD', KEYS[1], ARGV[1] .. '-' .. i, 'e', '{"time":"2026-01-01T00:00:00.000Z"}') end`,
      { keys: ['cierre:{c}:audit'], arguments: [String(oldMs)] },
    )
    await service.logout(await token({ sub: 'alice' }))
    const from = new Date(Date.now() - hourMs).toISOString()
    const { events, cursor } = await page(`?subject=alice&from=${from}`)
    expect([events.length, cursor]).to.deep.equal([1, null])
    expect((await page('?subject=alice')).cursor, 'without `from` it goes on').not.to.equal(null)
  })
})
