import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { ConfigError } from '../config/config.js'
import type { Environment } from '../config/read-variables.js'
import { warnOfUnknownVariables } from '../config/unknown-variables.js'
import { isLoopback } from '../runtime/loopback.js'
import { isSafeOrigin } from '../runtime/safe-origin.js'
import { FeedError } from '../guard/feed-error.js'
import type { Guard } from '../guard/types.js'
import { drainable } from '../http/server.js'
import { createAgentMetrics, type AgentMetrics } from '../telemetry/agent-metrics.js'
import { watchKeySets } from '../telemetry/key-set-outages.js'
import { warnOfIdTokens } from '../telemetry/id-token-warning.js'
import { createLog, exitOnLostErrors } from '../telemetry/log.js'
import { createOutages } from '../telemetry/outages.js'
import { version } from '../telemetry/version.js'
import { createAdminListener } from './admin.js'
import { createCheckListener } from './checks.js'
import { openAgentGuard } from './guard.js'
import { createIntrospection } from './introspection.js'
import { listenOnPort, listenOnSocket } from './listen.js'
import { createAgentServer } from './server.js'
import { createNaming, type Naming } from '../token/verification.js'
import { createServiceOutage, type ServiceOutage } from './service-outage.js'
import { readAgentSettings, type AgentSettings } from './settings.js'

/** How long requests in flight may take to finish. */
const drainMs = 5_000
/** How long the start waits for the guard. Until the guard is ready, every check gets a 503. */
const readyWithinMs = 5_000

/**
 * Runs the agent until `stopped` resolves.
 *
 * @throws ConfigError for settings that are wrong, an address that cannot be listened on, and a
 * service that refuses the machine client
 */
export async function runAgent(env: Environment, stopped: Promise<string>): Promise<void> {
  const settings = readAgentSettings(env)
  const { log } = createLog(settings.logLevel)
  exitOnLostErrors(log)
  warnOfUnknownVariables(env, log)
  const outages = createOutages(log, settings.guard.clock)
  warnOfClearText(settings.guard.feed.url, log)
  warnOfIdTokens(settings.guard.issuers, log)
  const service = createServiceOutage(outages, settings.guard.feed.url)
  const agentGuard = openAgentGuard(settings.guard, service.onTrouble)
  const { guard } = agentGuard
  const metrics = createAgentMetrics({ version: version(), outages })
  guard.metrics(metrics)
  service.watch(guard, log)
  watchKeySets(outages, () => guard.stats().keySets)
  await Promise.race([untilReady(guard, log, service), stopped])
  const { prefix, authClaims } = settings
  const name = createNaming(settings.guard.issuers)
  const listener = createCheckListener({
    ...agentGuard,
    prefix,
    authClaims,
    name,
    checked(status, code) {
      metrics.checked(status, code)
      service.checked(status)
    },
    log,
  })
  const servers = [
    ...(await listenForChecks(settings.checks, () => createAgentServer(listener))),
    ...(await listenForAdmin(settings, { guard, name, metrics, log })),
  ]
  log.info({ version: version(), addresses: servers.map(addressOf) }, 'listening')
  log.info({ reason: await stopped }, 'draining')
  await Promise.all(servers.map((server) => server.drain(drainMs)))
  outages.close()
  await guard.close()
  log.info('stopped')
}

function warnOfClearText(url: string, log: Logger): void {
  if (!isSafeOrigin(url))
    log.warn(
      { url },
      'CIERRE_URL is not over TLS: anyone in that network can read the secret, and forge answers',
    )
}

/** The start fails if the service refuses the client. Any other trouble may pass. */
async function untilReady(guard: Guard, log: Logger, service: ServiceOutage): Promise<void> {
  try {
    await guard.ready(readyWithinMs)
  } catch (error) {
    if (error instanceof FeedError && error.isPermanent)
      throw new ConfigError([`CIERRE_URL, CIERRE_CLIENT_ID: ${error.message}`])
    // A key set that is missing has an outage of its own.
    if (guard.stats().fresh) log.warn(`not ready: ${(error as Error).message}`)
    else service.begin(error)
  }
}

type Listening = Readonly<{ server: Server; drain: (ms: number) => Promise<void> }>

const listeningOn = (server: Server): Listening => ({ server, drain: drainable(server) })

const addressOf = ({ server }: Listening): string => {
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? address : `${address.address}:${address.port}`
}

async function listenForChecks(
  { host, port, socket }: AgentSettings['checks'],
  createServer: () => Server,
): Promise<Listening[]> {
  const listening: Listening[] = []
  if (port !== undefined) {
    const server = createServer()
    listening.push(listeningOn(server))
    await listenOnPort(server, { host, port }, 'AGENT_HOST, AGENT_PORT')
  }
  if (socket !== undefined) {
    const server = createServer()
    listening.push(listeningOn(server))
    await listenOnSocket(server, socket)
  }
  return listening
}

async function listenForAdmin(
  { admin, clients }: AgentSettings,
  parts: Readonly<{ guard: Guard; name: Naming; metrics: AgentMetrics; log: Logger }>,
): Promise<Listening[]> {
  if (admin === undefined) return []
  const mayIntrospect = clients.length > 0 || isLoopback(admin.host)
  const introspect = mayIntrospect ? createIntrospection({ ...parts, clients }) : undefined
  const server = createAgentServer(createAdminListener({ ...parts, introspect }))
  const listening = listeningOn(server)
  await listenOnPort(server, admin, 'AGENT_ADMIN_HOST, AGENT_ADMIN_PORT')
  return [listening]
}
