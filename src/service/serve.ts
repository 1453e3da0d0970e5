import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { ConfigError, parseConfig, type Config } from '../config/config.js'
import { throwawayIssuerName } from '../config/rules.js'
import type { Environment } from '../config/read-variables.js'
import { warnOfUnknownVariables } from '../config/unknown-variables.js'
import { createMetricsServer } from '../http/metrics-server.js'
import { serverTimes } from '../http/server.js'
import { createLog, exitOnLostErrors, type LogDestination } from '../telemetry/log.js'
import { changesBetween } from './config-summary.js'
import { createOperations } from './operations.js'
import { createParts } from './parts.js'
import { createService, type Service } from './service.js'
import { warnOfIssuers, warnOfMemoryStore } from './warnings.js'
import { signDevelopmentToken } from '../token/development.js'
import { version } from '../telemetry/version.js'

/** `stopped` resolves with the reason to end; a hangup makes the service read its files again. */
export type Surroundings = Readonly<{
  stopped: Promise<string>
  onHangup: (listener: () => void) => void
  /** Where log lines go; standard output unless given. */
  destination?: LogDestination | undefined
}>

/** How long requests in flight may take to finish. */
const drainMs = 10_000

/**
 * Runs the service until `stopped` resolves; then requests in flight may finish, for 10 s at most.
 *
 * @throws ConfigError, also for an address that cannot be listened on
 */
export async function serve(env: Environment, surroundings: Surroundings): Promise<void> {
  const { stopped, onHangup, destination } = surroundings
  const config = parseConfig(env)
  const { log, writeLine } = createLog(config.logLevel, destination)
  exitOnLostErrors(log)
  warnOfUnknownVariables(env, log)
  const parts = createParts({ config, log, writeLine, now: Date.now })
  const service = createService(parts, createOperations(parts), serverTimes)
  onHangup(createReload(config, { service, env, log }))
  // A load balancer sends requests as soon as the port is open, so the store is tried first. With
  // Redis down the port opens all the same, for health and metrics.
  await Promise.race([service.firstAttempts(), stopped])
  const metricsServer = await openPorts(service, config)
  service.start()
  await announce(service.server, config, log)

  const reason = await stopped
  const drained = service.drain(drainMs)
  log.info({ reason }, 'draining')
  await drained
  metricsServer?.close()
  metricsServer?.closeAllConnections()
  await service.close()
  log.info('stopped')
}

/** @returns the server for the metrics, where they have a port of their own */
async function openPorts(service: Service, { host, port, metrics }: Config) {
  await listen(service.server, host, port, 'HOST, PORT')
  if (metrics.port === undefined) return undefined
  const server = createMetricsServer(service.metrics)
  await listen(server, host, metrics.port, 'HOST, METRICS_PORT')
  return server
}

async function listen(
  server: Server,
  host: string,
  port: number | undefined,
  names: string,
): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ConfigError([`${names}: ${(cause as Error).message}`])
  }
}

async function announce(server: Server, config: Config, log: Logger): Promise<void> {
  const { port } = server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  const origin = `${config.tls ? 'https' : 'http'}://${host}:${port}`
  const isEmbedded = config.redis === undefined
  log.info(
    { version: version(), origin, store: isEmbedded ? 'memory' : 'redis' },
    `listening${isEmbedded ? '; the embedded store forgets every revocation at a restart' : ''}`,
  )
  warnOfIssuers(config, log)
  warnOfMemoryStore(config, log)
  if (config.throwawaySecret !== undefined)
    await printDevelopmentToken(config.throwawaySecret, origin, config.hasDocs)
}

type ReloadParts = Readonly<{ service: Service; env: Environment; log: Logger }>

/** Reads the files again, and logs what has changed. Invalid files change nothing. */
function createReload(config: Config, { service, env, log }: ReloadParts): () => void {
  let current = config
  return () => {
    try {
      const next = parseConfig(env)
      service.reload(next)
      const changes = changesBetween(current, next)
      current = next
      log.info(
        { changes },
        `files read again${changes.length === 0 ? ': nothing has changed' : ''}`,
      )
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      log.error({ faults: error.faults }, 'files not taken over')
    }
  }
}

async function printDevelopmentToken(
  secret: NonNullable<Config['throwawaySecret']>,
  origin: string,
  hasDocs: boolean,
): Promise<void> {
  const token = await signDevelopmentToken(
    { secret, nowMs: Date.now() },
    { issuer: throwawayIssuerName },
  )
  process.stdout.write(`
No key is configured, so this run made one of its own. A token that it accepts for an hour:

  ${token}

Log it out (200), then again (401):

  curl -i ${origin}/api/v1/auth/logout -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"token":"${token}"}'
${hasDocs ? `\nOr do both in a browser: ${origin}/docs\n` : ''}
`)
}
