import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import type { Operations } from '../../src/operations/operation.js'
import { serverTimes, type ServerTimes } from '../../src/http/server.js'
import { createOperations } from '../../src/service/operations.js'
import { createParts } from '../../src/service/parts.js'
import { createService, type Service } from '../../src/service/service.js'
import { logForm } from '../../src/telemetry/log.js'
import { send, type Answer, type Sent } from './http.js'
import { saw } from './leaks.js'
import { until } from './processes.js'
import { hmacSecret } from './tokens.js'

export type TestService = Service & {
  origin: string
  /** Every line logged so far, parsed. */
  logged(): Record<string, unknown>[]
  /** Audit events among them. */
  audited(): Record<string, unknown>[]
  send(request: Sent): Promise<Answer>
  /** Logs a token out; the body names it too unless another is given. */
  logout(bearer: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  isReady(): Promise<boolean>
  stop(): Promise<void>
}

export type TestServiceOptions = {
  now?: () => number
  /** Whether to wait until Redis is connected and the feed is followed; true by default. */
  waitForStore?: boolean
  times?: Partial<ServerTimes>
  /** A free port by default. */
  port?: number
  /** Replaces operations of the service. */
  operations?: (own: Operations) => Operations
}

function configOf(env: Record<string, string>): ReturnType<typeof parseConfig> {
  const hasKey = Object.keys(env).some((name) =>
    /^JWT_(SECRET|PUBLIC_KEY|JWKS_URI|ISSUERS)$/.test(name),
  )
  return parseConfig({
    REDIS_URL: 'memory:',
    // A busy machine may keep an answer of Redis waiting for more than a second.
    STORE_TIMEOUT_MS: '20000',
    RATE_LIMIT_ADDRESS: 'off',
    RATE_LIMIT_SUBJECT: 'off',
    ...(!hasKey && { JWT_SECRET: hmacSecret }),
    ...env,
  })
}

/** A log in memory. */
function createTestLog() {
  const texts: string[] = []
  const stream = new PassThrough()
  stream.on('data', (chunk: Buffer) => texts.push(chunk.toString()))
  return {
    log: pino({ ...logForm, level: 'debug' }, stream),
    writeLine: (line: string) => stream.write(line),
    text: () => texts.join(''),
    lines: () =>
      texts
        .join('')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

/**
 * The service in this process, on its own port. By default it has the embedded store, an HMAC key and
 * no limits.
 */
export async function startService(
  env: Record<string, string> = {},
  options: TestServiceOptions = {},
): Promise<TestService> {
  const config = configOf(env)
  const { log, writeLine, text, lines } = createTestLog()
  const parts = createParts({
    config,
    log,
    writeLine,
    now: options.now ?? Date.now,
  })
  const own = createOperations(parts)
  const service = createService(parts, options.operations?.(own) ?? own, {
    ...serverTimes,
    ...options.times,
  })
  service.server.listen(options.port ?? 0, '127.0.0.1')
  await once(service.server, 'listening')
  service.start()
  const origin = `${config.tls ? 'https' : 'http'}://127.0.0.1:${(service.server.address() as AddressInfo).port}`
  const test: TestService = {
    ...service,
    origin,
    logged: lines,
    audited: () =>
      lines().flatMap(({ audit }) =>
        audit === undefined ? [] : [audit as Record<string, unknown>],
      ),
    send: (request) => send(origin, request),
    logout: (bearer, body = { token: bearer }, headers = {}) =>
      send(origin, {
        method: 'POST',
        path: '/api/v1/auth/logout',
        body: JSON.stringify(body),
        headers: {
          authorization: `Bearer ${bearer}`,
          'content-type': 'application/json',
          ...headers,
        },
      }),
    isReady: async () => (await send(origin, { path: '/health/ready' })).status === 200,
    async stop() {
      service.server.closeAllConnections()
      service.server.close()
      await service.close()
      saw(text())
    },
  }
  if (options.waitForStore !== false) {
    if (config.redis !== undefined)
      await until('the service is connected', () => text().includes('redis connected'))
    await until('the service follows the feed', () => service.position() !== undefined)
  }
  return test
}
