import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createCierre, type Cierre, type CierreOptions } from '../../src/embedded.js'
import { send, type Answer, type Sent } from './http.js'
import { saw } from './leaks.js'
import { hmacSecret } from './tokens.js'

export type TestCierre = Cierre & {
  /** Every line logged so far, parsed. */
  logged(): Record<string, unknown>[]
}

/** The service and a guard in this process: unless told otherwise in memory, without limits. */
export function openCierre(options: Partial<CierreOptions> = {}): TestCierre {
  const texts: string[] = []
  const cierre = createCierre({
    issuers: [{ issuer: 'https://issuer.test', secret: hmacSecret }],
    redis: { url: 'memory:' },
    rateLimitAddress: 'off',
    rateLimitSubject: 'off',
    // A busy machine may keep an answer of Redis waiting for more than a second.
    storeTimeoutMs: 20_000,
    log: { write: (text) => texts.push(text) },
    ...options,
  })
  return {
    ...cierre,
    logged: () =>
      texts
        .join('')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async close() {
      await cierre.close()
      saw(texts.join(''))
    },
  }
}

export type TestApp = {
  origin: string
  send(request: Sent): Promise<Answer>
  /** Logs a token out below a path. */
  logout(bearer: string, at?: string): Promise<Answer>
  stop(): Promise<void>
}

/** An app on a port of its own. */
export async function serveApp(listener: RequestListener): Promise<TestApp> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    send: (request) => send(origin, request),
    logout: (bearer, at = '') =>
      send(origin, {
        method: 'POST',
        path: `${at}/api/v1/auth/logout`,
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify({ token: bearer }),
      }),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
