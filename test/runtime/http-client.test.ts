// Node's fetch and AbortSignal.any lose their signals when the garbage collector has run. A wait must
// still end.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { createClient } from '../../src/client.js'
import { askIntrospection } from '../../src/guard.js'
import { remoteKeySource } from '../../src/token/remote-key-source.js'
import { clientsVariable } from '../support/clients.js'
import { collectGarbage } from '../support/collector.js'
import { feedOf, startGuard, statusOf } from '../support/guard.js'
import { until } from '../support/processes.js'
import { startProxy } from '../support/proxy.js'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

/** A server whose answers begin and never end. */
async function startHalfServer() {
  const answers: ServerResponse[] = []
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).write('{')
    answers.push(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const inTime = async <T>(work: Promise<T>): Promise<T> => {
  let result: { is: T } | undefined
  const done = work.then((is) => (result = { is }))
  await until('it comes back', () => result !== undefined)
  return (await done).is
}

describe('after a garbage collection', () => {
  it('a guard can be closed', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    try {
      const guard = startGuard(service.origin)
      await guard.ready()
      await collectGarbage()
      await inTime(guard.close())
    } finally {
      await service.stop()
    }
  })

  it('a guard whose connections carry nothing any more is fresh again over new ones', async () => {
    const service = await startService({ CLIENTS: clientsVariable })
    const network = await startProxy(
      () => Number(new URL(service.origin).port),
      async () => 'pass',
    )
    const guard = startGuard(network.url.replace('redis:', 'http:'))
    try {
      const jwt = await token()
      await guard.ready()
      await collectGarbage()
      network.swallow()
      await until('it asks in vain', () => guard.stats().stalenessMs > 1_500)
      await collectGarbage()
      expect((await service.logout(jwt)).status).to.equal(200)
      await until('it learns what is revoked', async () => (await statusOf(guard, jwt)) === 401)
      await until('it is proved fresh', () => guard.stats().stalenessMs < 1_000)
    } finally {
      await inTime(guard.close())
      await network.stop()
      await service.stop()
    }
  })

  it('a key set whose answer never ends is cancelled, and requested again', async () => {
    const half = await startHalfServer()
    const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    let logged = ''
    const write = (details: object) => void (logged = JSON.stringify(details))
    const source = remoteKeySource({
      uri: `${half.origin}/jwks`,
      now: Date.now,
      fixed: [],
      log: {
        debug: () => undefined,
        info: write,
        warn: write,
        error: write,
      },
    })
    try {
      await until('it is asked for', () => half.answers.length === 1)
      await collectGarbage()
      await until('it is given up', () => logged !== '')
      expect(logged).to.contain('TimeoutError')
      await until('it is asked for again', () => half.answers.length === 2)
      half.answers[1]?.end(`"keys":[${JSON.stringify(jwk)}]}`)
      await until('it is loaded', () => source.isLoaded())
    } finally {
      source.close()
      await half.stop()
    }
  })

  it('introspection whose answer never ends is unknown', async () => {
    const half = await startHalfServer()
    try {
      const opinion = askIntrospection({ ...feedOf(half.origin), timeoutMs: 1_000 })({
        token: await token(),
        claims: {},
        why: 'stale',
      })
      await until('it is asked', () => half.answers.length === 1)
      await collectGarbage()
      expect(await inTime(Promise.resolve(opinion))).to.equal('unknown')
    } finally {
      await half.stop()
    }
  })

  it('a logout whose answer never ends is unknown', async () => {
    const half = await startHalfServer()
    try {
      const result = createClient({
        baseUrl: half.origin,
        getToken: () => token(),
        timeoutMs: 1_000,
        attempts: 1,
      }).logout()
      await until('it is asked', () => half.answers.length === 1)
      await collectGarbage()
      expect(await inTime(result)).to.include({ outcome: 'unknown', status: undefined })
    } finally {
      await half.stop()
    }
  })
})
