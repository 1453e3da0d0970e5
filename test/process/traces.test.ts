import { expect } from 'chai'
import { send } from '../support/http.js'
import { startInstance } from '../support/instance.js'
import { saw } from '../support/leaks.js'
import { freePort, until } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret, token } from '../support/tokens.js'

describe('OpenTelemetry, by its own auto-instrumentation', () => {
  it('traces a logout and the commands to Redis, and no token is in a span', async () => {
    const redis = await startRedis()
    const instance = await startInstance(
      await freePort(),
      {
        JWT_SECRET: hmacSecret,
        REDIS_URL: redis.url,
        OTEL_SERVICE_NAME: 'cierre',
        OTEL_TRACES_EXPORTER: 'console',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_NODE_RESOURCE_DETECTORS: 'none',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
      ['--import', '@opentelemetry/auto-instrumentations-node/register'],
    )
    try {
      const jwt = await token()
      const { status } = await send(instance.origin, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify({ token: jwt }),
        headers: { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' },
      })
      expect(status).to.equal(200)
      await until('the logout has a span', () => /name: 'POST',\s+id:/.test(instance.output.out))
      await until(
        'its commit has one',
        () =>
          instance.output.out.includes("name: 'redis-EVALSHA'") ||
          instance.output.out.includes("name: 'redis-EVAL'"),
      )
      saw(instance.output.out)
    } finally {
      await instance.kill()
      await redis.stop()
    }
  })
})
