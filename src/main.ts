#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pino, stdSerializers } from 'pino'
import { ConfigError, parseConfig, throwawayIssuerName, type Config } from './config/config.js'
import { createService } from './service.js'
import { signThrowawayToken } from './token/throwaway.js'

/** Requests in flight may finish for this long. */
const drainMs = 10_000

async function main(): Promise<void> {
  const config = parseConfig(process.env)
  const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: stdSerializers.errWithCause } })
  const lost = (kind: string) => (error: unknown) => {
    log.fatal({ err: error }, kind)
    process.exit(1)
  }
  process.on('unhandledRejection', lost('lost promise'))
  process.on('uncaughtException', lost('lost exception'))

  const service = createService({ config, log, now: Date.now })
  service.server.listen(config.port, config.host)
  await once(service.server, 'listening')
  const { port } = service.server.address() as AddressInfo
  const origin = `${config.tls ? 'https' : 'http'}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  log.info({ version: version(), origin, store: config.redis ? 'redis' : 'memory' }, config.redis ? 'listening' : 'listening; the embedded store forgets every revocation at a restart')
  if (config.throwawaySecret !== undefined) await greet(config.throwawaySecret, origin)

  let stopping = false
  const stop = async (signal: NodeJS.Signals) => {
    // npm passes on the Ctrl-C that the terminal has already sent to the whole group.
    if (stopping) return
    stopping = true
    const closed = once(service.server, 'close')
    service.server.close()
    service.server.closeIdleConnections()
    log.info({ signal }, 'draining')
    const timer = setTimeout(() => service.server.closeAllConnections(), drainMs)
    await closed
    clearTimeout(timer)
    await service.close()
    log.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
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

main().catch((error: unknown) => {
  const lines = error instanceof ConfigError ? error.faults : [(error as Error).message]
  process.stderr.write(`cierre cannot start:\n${lines.map((line) => `  ${line}\n`).join('')}`)
  process.exit(1)
})
