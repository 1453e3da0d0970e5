import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Guard, GuardOptions } from '../../src/guard.js'
import { clientsVariable } from './clients.js'
import { startGuard } from './guard.js'
import { startService, type TestService } from './service.js'

/** A clock that stands still unless the test moves it. */
export function createStandingClock() {
  let nowMs = Date.now()
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    forward: (ms: number): void => void (nowMs += ms),
    /** Whole seconds by this clock, moved by an offset. */
    nowS: (offsetS: number): number => Math.floor(nowMs / 1000) + offsetS,
  }
}

/** What tests of live connections need, all of it ended by `close`. */
export function createLiveParts() {
  const services: TestService[] = []
  const guards: Guard[] = []
  const servers: Server[] = []
  const open = async (origin: string, options: Partial<GuardOptions> = {}) => {
    const guard = startGuard(origin, options)
    guards.push(guard)
    await guard.ready()
    return guard
  }
  return {
    /** A guard that is ready. */
    open,
    /** A guard and the service that it follows, to be stopped so that the guard becomes stale. */
    async openWithService(options: Partial<GuardOptions> = {}) {
      const service = await startService({ CLIENTS: clientsVariable })
      services.push(service)
      const guard = await open(service.origin, { maxStalenessMs: 500, ...options })
      return { guard, service }
    },
    /** @returns the origin */
    async listen(server: Server): Promise<string> {
      servers.push(server.listen(0, '127.0.0.1'))
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    async close(): Promise<void> {
      for (const server of servers.splice(0)) {
        server.closeAllConnections()
        server.close()
      }
      for (const guard of guards.splice(0)) await guard.close()
      for (const service of services.splice(0)) await service.stop()
    },
  }
}
