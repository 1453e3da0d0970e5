import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { pino, stdSerializers } from 'pino'
import { parseConfig } from '../../src/config/config.js'
import type { Operations } from '../../src/operations/operation.js'
import { serverTimes, type ServerTimes } from '../../src/http/server.js'
import { createOperations } from '../../src/service/operations.js'
import { createParts } from '../../src/service/parts.js'
import { createService, type Service } from '../../src/service/service.js'
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
  /** Whether to come back only when Redis is connected; true unless told otherwise. */
  waitForStore?: boolean
  times?: Partial<ServerTimes>
  /** A free one unless given. */
  port?: number
  /** Replaces operations of the service by others. */
  operations?: (own: Operations) => Operations
}

/** The service in this process, on a port of its own; with an HMAC key, without limits, in memory, unless the variables say otherwise. */
export async function startService(
  env: Record<string, string> = {},
  options: TestServiceOptions = {},
): Promise<TestService> {
  const hasKey = Object.keys(env).some((name) =>
    /^JWT_(SECRET|PUBLIC_KEY|JWKS_URI|ISSUERS)$/.test(name),
  )
  const config = parseConfig({
    REDIS_URL: 'memory:',
    RATE_LIMIT_ADDRESS: 'off',
    RATE_LIMIT_SUBJECT: 'off',
    ...(!hasKey && { JWT_SECRET: hmacSecret }),
    ...env,
  })
  const lines: string[] = []
  const stream = new PassThrough()
  stream.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
  const log = pino(
    { level: 'debug', base: null, serializers: { err: stdSerializers.errWithCause } },
    stream,
  )
  const parts = createParts({
    config,
    log,
    writeLine: (line) => stream.write(line),
    now: options.now ?? Date.now,
  })
  const own = createOperations(parts)
  const service = createService(parts, options.operations?.(own) ?? own, {
    ...serverTimes,
    ...options.times,
  })
  service.server.listen(options.port ?? 0, '127.0.0.1')
  await once(service.server, 'listening')
  const origin = `${config.tls ? 'https' : 'http'}://127.0.0.1:${(service.server.address() as AddressInfo).port}`
  const logged = () =>
    lines
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const test: TestService = {
    ...service,
    origin,
    logged,
    audited: () =>
      logged().flatMap(({ audit }) =>
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
      saw(lines.join(''))
    },
  }
  if (options.waitForStore !== false) {
    if (config.redis !== undefined)
      await until('the service is connected', () =>
        lines.some((line) => line.includes('redis connected')),
      )
    await until('the service follows the feed', () => service.position() !== undefined)
  }
  return test
}
