import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, parseConfig, throwawayIssuerName, type Config } from './config/config.js'
import type { Environment } from './config/reader.js'
import { createLog } from './log.js'
import { createService } from './service.js'
import { signThrowawayToken } from './token/throwaway.js'

/** Requests in flight may finish for this long. */
const drainMs = 10_000

/**
 * Runs the service until `stopped` says why it should end; then requests in flight finish, for 10 s at most.
 *
 * @throws ConfigError, or the error of an address that cannot be listened on
 */
export async function serve(env: Environment, stopped: Promise<string>): Promise<void> {
  const config = parseConfig(env)
  const log = createLog(config.logLevel)
  const lost = (kind: string) => (error: unknown) => {
    log.fatal({ err: error }, kind)
    process.exit(1)
  }
  process.on('unhandledRejection', lost('lost promise'))
  process.on('uncaughtException', lost('lost exception'))

  const service = createService({ config, log, now: Date.now })
  await listen(service.server, config)
  const { port } = service.server.address() as AddressInfo
  const origin = `${config.tls ? 'https' : 'http'}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  const forgets = config.redis === undefined ? '; the embedded store forgets every revocation at a restart' : ''
  log.info({ version: version(), origin, store: config.redis ? 'redis' : 'memory' }, `listening${forgets}`)
  if (config.throwawaySecret !== undefined) await greet(config.throwawaySecret, origin)

  const reason = await stopped
  const drained = service.drain(drainMs)
  log.info({ reason }, 'draining')
  await drained
  await service.close()
  log.info('stopped')
}

async function listen(server: Server, { host, port }: Config): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new ConfigError([`HOST, PORT: ${(cause as Error).message}`])
  }
}

async function greet(secret: NonNullable<Config['throwawaySecret']>, origin: string): Promise<void> {
  const token = await signThrowawayToken({ secret, issuer: throwawayIssuerName, nowMs: Date.now() })
  process.stdout.write(`
No key is configured, so this run made one of its own. A token that it accepts for an hour:

  ${token}

Log it out (200), then again (401):

  curl -i ${origin}/api/v1/auth/logout -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '{"token":"${token}"}'

`)
}

const version = () => (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
