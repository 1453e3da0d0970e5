import type { Server } from 'node:http'
import type { Audit } from '../audit/audit.js'
import type { Config } from '../config/config.js'
import type { Position } from '../feed/event.js'
import { createServer, drainable, replaceCertificate, type ServerTimes } from '../http/server.js'
import type { Operations } from '../operations/operation.js'
import type { Metrics } from '../telemetry/metrics.js'
import { createServiceApp } from './app.js'
import { closeParts, type ServiceParts } from './parts.js'

export type Service = {
  server: Server
  audit: Audit
  metrics: Metrics
  /** Resolves when the first attempt to reach the store has ended, successfully or not. */
  firstAttempts(): Promise<void>
  /**
   * Begins to follow the feed. Soon after that the layout in Redis is raised, and from then on older
   * instances answer 503: this one must be ready to take requests.
   */
  start(): void
  /**
   * Takes over the contents of a configuration's files: keys of issuers, machine clients, the
   * certificate, Redis's user and password. Everything else stays as it was at the start.
   */
  reload(config: Config): void
  /** The position up to which this instance knows every revocation; `undefined` when unknown. */
  position(): Position | undefined
  /** Connections that follow the feed. */
  subscribers(): number
  /** Stops listening; requests in flight may finish, for `ms` at most. */
  drain(ms: number): Promise<void>
  /** Disconnects from the store and the key sources. Call it after `drain`. */
  close(): Promise<void>
}

/** Operations behind a server that does not listen yet. */
export function createService(
  parts: ServiceParts,
  operations: Operations,
  times: ServerTimes,
): Service {
  const { config, stores, audit, metrics, reloadable, feed } = parts
  const { follower, subscribers } = feed
  const { document } = parts.contract
  const http = { document, times, isHosted: false }
  const respond = createServiceApp(parts, operations, http).callback()
  const server = createServer(
    (request, response) => void respond(request, response),
    config.tls,
    times,
  )
  const drain = drainable(server)
  return {
    server,
    audit,
    metrics,
    firstAttempts: stores.firstAttempts,
    start: follower.start,
    reload(next) {
      const { clientsDiffer } = reloadable.reload(next)
      // A connection of the feed is authenticated only when it opens.
      if (clientsDiffer) subscribers.disconnect()
      if (next.tls !== undefined) replaceCertificate(server, next.tls)
      stores.reload(next)
    },
    position: follower.position,
    subscribers: subscribers.count,
    drain(ms) {
      // Requests that wait for a key fail now: another instance may have the key.
      reloadable.close()
      const drained = drain(ms)
      subscribers.close()
      return drained
    },
    close: () => closeParts(parts),
  }
}
