import { expect } from 'chai'
import { startAgent, type TestAgent } from '../support/agent.js'
import { clientsVariable } from '../support/clients.js'
import { startIssuer } from '../support/issuer.js'
import { alertRules, dashboardQueries } from '../support/monitoring.js'
import { until } from '../support/processes.js'
import { startPrometheus, type Prometheus } from '../support/prometheus.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { startService, type TestService } from '../support/service.js'
import { hmacSecret, token } from '../support/tokens.js'

describe('a real Prometheus that scrapes a real service and an agent', () => {
  let issuer: Awaited<ReturnType<typeof startIssuer>>
  let redis: TestRedis
  let service: TestService
  let agent: TestAgent
  let prometheus: Prometheus
  before(async () => {
    redis = await startRedis()
    issuer = await startIssuer()
    service = await startService({
      REDIS_URL: redis.url,
      STORE_TIMEOUT_MS: '1500',
      CLIENTS: clientsVariable,
      JWT_ISSUERS: JSON.stringify([
        { issuer: 'https://issuer.test', secret: hmacSecret },
        { issuer: issuer.origin, jwksUri: issuer.jwksUri },
      ]),
    })
    agent = await startAgent(service.origin)
    prometheus = await startPrometheus({ cierre: service.origin, agent: agent.admin })
  })
  after(async () => {
    await prometheus.stop()
    await agent.stop()
    await service.stop()
    await redis.stop()
    await issuer.stop()
  })

  /** Grafana puts the interval in the place of its variable. */
  const ask = (expr: string) => prometheus.query(expr.replaceAll('$__rate_interval', '1m'))

  it('has an answer to every query of the dashboard', async () => {
    expect((await service.logout(await token())).status).to.equal(200)
    redis.pause()
    expect((await service.logout(await token())).status).to.equal(500)
    redis.resume()
    const queries = dashboardQueries()
    expect(queries.length).to.be.at.least(20)
    for (const { title, expr } of queries)
      await until(`${title}: ${expr}`, async () => (await ask(expr)).length > 0)
    expect(await ask('sum by (status) (cierre_requests_total{operation="logout"})')).to.have.length(
      2,
    )
  })

  it('evaluates every alert without an error', async () => {
    const names = alertRules().map(({ alert }) => alert)
    await until('each has run', async () =>
      (await prometheus.rules()).every(({ health }) => health !== 'unknown'),
    )
    const rules = await prometheus.rules()
    expect(rules.map(({ name, health, lastError }) => [name, health, lastError])).to.deep.equal(
      names.map((name) => [name, 'ok', undefined]),
    )
  })

  it('knows the instance as up, by the job that the alerts name', async () => {
    await until('it was scraped', async () => {
      const [series] = await ask('up{job="cierre"}')
      return series?.value[1] === '1'
    })
  })
})
