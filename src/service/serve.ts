import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { ConfigError, parseConfig, type Config } from '../config/config.js'
import { throwawayIssuerName } from '../config/rules.js'
import type { Environment } from '../config/read-variables.js'
import { createMetricsServer } from '../http/metrics-server.js'
import { createLog } from '../telemetry/log.js'
import { createService, type Service } from './service.js'
import { signDevelopmentToken } from '../token/development.js'
import { version } from '../telemetry/version.js'

/** `stopped` says why the service should end; a hangup makes it read its files again. */
export type Signals = Readonly<{
  stopped: Promise<string>
  onHangup: (listener: () => void) => void
}>

/** Requests in flight may finish for this long. */
const drainMs = 10_000

/**
 * Runs the service until `stopped` says why it should end; then requests in flight finish, for 10 s at most.
 *
 * @throws ConfigError, or the error of an address that cannot be listened on
 */
export async function serve(env: Environment, { stopped, onHangup }: Signals): Promise<void> {
  const config = parseConfig(env)
  const { log, writeLine } = createLog(config.logLevel)
  const lost = (kind: string) => (error: unknown) => {
    log.fatal({ err: error }, kind)
    process.exit(1)
  }
  process.on('unhandledRejection', lost('lost promise'))
  process.on('uncaughtException', lost('lost exception'))

  const service = createService({ config, log, writeLine, now: Date.now })
  // Before this the files have only just been read.
  onHangup(() => reload(service, env, log))
  // A load balancer sends requests from the moment that the port is open. With Redis down the port opens all the same: health and
  // metrics are to be had.
  await Promise.race([service.tried(), stopped])
  await listen(service.server, config.host, config.port, 'HOST, PORT')
  const metricsServer =
    config.metrics.port === undefined ? undefined : createMetricsServer(service.metrics)
  if (metricsServer !== undefined)
    await listen(metricsServer, config.host, config.metrics.port, 'HOST, METRICS_PORT')
  const { port } = service.server.address() as AddressInfo
  const origin = `${config.tls ? 'https' : 'http'}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  const forgets =
    config.redis === undefined ? '; the embedded store forgets every revocation at a restart' : ''
  log.info(
    { version: version(), origin, store: config.redis ? 'redis' : 'memory' },
    `listening${forgets}`,
  )
  warnOfIdTokens(config, log)
  if (config.throwawaySecret !== undefined)
    await greet(config.throwawaySecret, origin, config.hasDocs)

  const reason = await stopped
  const drained = service.drain(drainMs)
  log.info({ reason }, 'draining')
  await drained
  metricsServer?.close()
  metricsServer?.closeAllConnections()
  await service.close()
  log.info('stopped')
}

/** ID tokens carry the same issuer and keys as access tokens; only `aud` and `typ` tell them apart (RFC 8725 §3.9, RFC 9068 §4). */
function warnOfIdTokens({ issuers, throwawaySecret }: Config, log: Logger): void {
  if (throwawaySecret !== undefined) return
  for (const { issuer = '(any)', audience, typ } of issuers) {
    if (audience === undefined && typ === undefined)
      log.warn(
        { issuer },
        'no audience is configured (JWT_AUDIENCE): ID tokens of this issuer pass as access tokens',
      )
  }
}

/** What is wrong with the files leaves everything as it was. */
function reload(service: Service, env: Environment, log: Logger): void {
  try {
    service.reload(parseConfig(env))
    log.info('files read again')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    log.error({ faults: error.faults }, 'files not taken over')
  }
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

async function greet(
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
