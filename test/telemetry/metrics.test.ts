import { expect } from 'chai'
import { Registry } from 'prom-client'
import { createTestGuard } from '../../src/guard/testing.js'
import { basic, clientsVariable } from '../support/clients.js'
import { introspect, postForm } from '../support/asking.js'
import { alertRules, dashboardQueries } from '../support/monitoring.js'
import { freePort, until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { freshClaims, hmacSecret, sign, token } from '../support/tokens.js'

/** The value of a metric with these labels. */
async function read(
  service: TestService,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const { text } = await service.send({ path: '/metrics' })
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const line = text
    .split('\n')
    .find(
      (one) => one.replace(/[ {].*/, '') === name && wanted.every((label) => one.includes(label)),
    )
  return line === undefined ? undefined : Number(line.split(' ').at(-1))
}

/** Expects that the text of `/metrics` has every metric of an expression, with the labels used. */
function expectMeasured(text: string, expression: string): void {
  const names = [...expression.matchAll(/\b((?:cierre|nodejs|process)_\w+)(\{[^}]*\})?/g)]
  expect(names, expression).not.to.be.empty
  const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(', '),
  )
  for (const [, name = '', selector = ''] of names) {
    const lines = text.split('\n').filter((line) => line.replace(/[ {].*/, '') === name)
    expect(lines, name).not.to.be.empty
    const selected = [...selector.matchAll(/(\w+)=/g)].map(([, label = '']) => label)
    // Prometheus adds `instance`.
    const labels = [...grouped, ...selected].filter((label) => label !== 'instance')
    for (const label of labels)
      expect(lines.join(), `${expression}: ${label}`).to.include(`${label}="`)
  }
}

describe('/metrics', () => {
  it('counts requests, revocations, limits, refusals and store commands', async () => {
    const redis = await startRedis()
    const service = await startService({
      REDIS_URL: redis.url,
      CLIENTS: clientsVariable,
      RATE_LIMIT_SUBJECT: '2/60',
      STORE_TIMEOUT_MS: '1500',
    })
    try {
      const claims = freshClaims()
      for (const sid of ['one', 'two', 'three'])
        await service.logout(await sign({ ...claims, sid, jti: sid }))
      const bare = await token({ sid: undefined })
      await service.logout(bare)
      await introspect(service, bare)
      expect(
        await read(service, 'cierre_requests_total', { operation: 'logout', status: '200' }),
      ).to.equal(3)
      expect(
        await read(service, 'cierre_requests_total', { operation: 'logout', status: '429' }),
      ).to.equal(1)
      expect(
        await read(service, 'cierre_requests_total', { operation: 'introspect', status: '200' }),
      ).to.equal(1)
      expect(
        await read(service, 'cierre_request_duration_seconds_count', { operation: 'logout' }),
      ).to.equal(4)
      expect(
        await read(service, 'cierre_revocations_total', { kind: 'session', reason: 'logout' }),
      ).to.equal(2)
      expect(
        await read(service, 'cierre_revocations_total', { kind: 'token', reason: 'logout' }),
      ).to.equal(1)
      expect(await read(service, 'cierre_live_revocations')).to.equal(3)
      expect(await read(service, 'cierre_limited_total', { policy: 'subject' })).to.equal(1)
      expect(
        await read(service, 'cierre_store_duration_seconds_count', { command: 'commit' }),
        'the one over the limit was counted there',
      ).to.equal(4)
      expect(await read(service, 'cierre_store_errors_total', { command: 'commit' })).to.equal(0)
      expect(await read(service, 'cierre_feed_connections')).to.equal(0)
      await until(
        'the feed is fresh to two seconds',
        async () => Number(await read(service, 'cierre_feed_staleness_seconds')) < 2,
      )
      expect(await read(service, 'cierre_start_seconds')).to.be.within(0, 600)
      expect(await read(service, 'nodejs_eventloop_lag_p99_seconds')).to.be.at.least(0)
      redis.pause()
      await service.logout(await token())
      redis.resume()
      expect(await read(service, 'cierre_store_errors_total', { command: 'commit' })).to.equal(1)
      expect(
        await read(service, 'cierre_requests_total', { operation: 'logout', status: '500' }),
      ).to.equal(1)
      const upTo = (le: string) =>
        read(service, 'cierre_store_duration_seconds_bucket', { command: 'commit', le })
      const all = await read(service, 'cierre_store_duration_seconds_count', { command: 'commit' })
      // Without the commit that ran into the deadline of 1.5 s.
      expect(await upTo('1')).to.be.below(all ?? 0)
      expect([await upTo('10'), await upTo('+Inf')]).to.deep.equal([all, all])
      expect(
        await read(service, 'cierre_store_duration_seconds_sum', { command: 'commit' }),
        // A sum in milliseconds would be above a thousand.
      ).to.be.within(1.4, 1_000)
    } finally {
      await service.stop()
      await redis.stop()
    }
  })

  it('has no label that names a subject, a session or a client', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    try {
      const claims = freshClaims()
      await service.logout(await sign(claims))
      await introspect(service, await token())
      await service.send({ path: '/no-such-path' })
      await postForm(
        service,
        '/oauth/introspect',
        { token: 'x' },
        { authorization: basic('stranger', 'x') },
      )
      const { text } = await service.send({ path: '/metrics' })
      for (const name of [
        claims['sub'],
        claims['sid'],
        'stranger',
        '127.0.0.1',
        'no-such-path',
        'all"',
      ])
        expect(text, String(name)).not.to.include(name)
      expect(new Set([...text.matchAll(/(\w+)="/g)].map(([, label]) => label))).to.deep.equal(
        new Set([
          'operation',
          'status',
          'policy',
          'command',
          'kind',
          'reason',
          'what',
          'version',
          'le',
          'type',
          'space',
          'major',
          'minor',
          'patch',
        ]),
      )
    } finally {
      await service.stop()
    }
  })

  it('has every metric of the dashboard and the alerts, with the labels that they use', async () => {
    const jwksUri = `http://127.0.0.1:${await freePort()}/jwks`
    const service = await startService({
      JWT_ISSUERS: JSON.stringify([
        { issuer: 'https://issuer.test', secret: hmacSecret },
        { issuer: 'https://away.test', jwksUri },
      ]),
    })
    const { guard, close } = createTestGuard()
    const register = new Registry()
    guard.metrics(register)
    try {
      await service.logout(await token())
      const { text: ofService } = await service.send({ path: '/metrics' })
      const text = ofService + (await register.metrics())
      const expressions = [...dashboardQueries(), ...alertRules()]
        .map(({ expr }) => expr)
        .filter((expr) => !expr.startsWith('up{'))
      expect(expressions).to.have.length.above(20)
      for (const expression of expressions) expectMeasured(text, expression)
    } finally {
      await close()
      await service.stop()
    }
  })

  it('404 in production, and with METRICS_PORT', async () => {
    for (const env of [{ NODE_ENV: 'production' }, { METRICS_PORT: '0' }] as Record<
      string,
      string
    >[]) {
      const service = await startService(env)
      expect((await service.send({ path: '/metrics' })).status).to.equal(404)
      await service.stop()
    }
  })
})
