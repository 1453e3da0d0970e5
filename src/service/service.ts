import type { Server } from 'node:http'
import { createAddressLimiter } from '../access/rate-limits.js'
import type { Audit } from '../audit/audit.js'
import type { Config } from '../config/config.js'
import type { Position } from '../feed/event.js'
import { createApp } from '../http/app.js'
import { createClientAddresses } from '../http/client-addresses.js'
import { createServer, drainable, replaceCertificate, type ServerTimes } from '../http/server.js'
import type { Operations } from '../operations/operation.js'
import type { Metrics } from '../telemetry/metrics.js'
import type { ServiceParts } from './parts.js'

export type Service = {
  server: Server
  audit: Audit
  metrics: Metrics
  /** Resolves when the first attempt to reach the store has ended, successfully or not. */
  firstAttempts(): Promise<void>
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
  const respond = appOf(parts, operations, times).callback()
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
    async close() {
      reloadable.close()
      await audit.close()
      await feed.close()
      await stores.close()
    },
  }
}

const appOf = (
  { config, contract, audit, metrics, log }: ServiceParts,
  operations: Operations,
  times: ServerTimes,
) =>
  createApp({
    document: contract.document,
    operations,
    addresses: createClientAddresses(config.trustProxy),
    addressLimiter:
      config.rateLimitAddress && createAddressLimiter(config.rateLimitAddress, metrics.limited),
    corsOrigins: config.corsOrigins,
    audit,
    observe: metrics.request,
    log,
    times,
  })
