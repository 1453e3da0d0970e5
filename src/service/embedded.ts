import { createHandler, partOf, pathsOf, type Handler } from '../http/hosts/handler.js'
import { serverTimes } from '../http/server.js'
import type { Guard } from '../guard/types.js'
import { withDeadline } from '../runtime/deadline.js'
import { createLog } from '../telemetry/log.js'
import { version } from '../telemetry/version.js'
import { createServiceApp } from './app.js'
import { createEmbeddedGuard } from './embedded-guard.js'
import { readCierreOptions, type CierreOptions, type OtherPath } from './embedded-options.js'
import { createOperations } from './operations.js'
import { closeParts, createParts, type ServiceParts } from './parts.js'
import { warnOfIssuers } from './warnings.js'

/** The service and a guard inside an app. */
export type Cierre = Readonly<{
  /**
   * Answers the paths of the contract that begin with `/api/v1/` or `/oauth/`, and
   * `/.well-known/oauth-authorization-server`, below the path where the handler is mounted. The
   * option `otherPaths` adds others. Any other request goes to `next`; without `next` it gets 404.
   */
  handler: Handler
  /** Knows the revocations of this process at once, and those of others within milliseconds. */
  guard: Guard
  /**
   * Returns when a logout would succeed and the guard is fresh.
   *
   * @param withinMs deadline in milliseconds; without it 10000 after the call or after the last
   * revocations were read, and at most 600000
   * @throws Error that says what is missing
   */
  ready(withinMs?: number): Promise<void>
  /** Releases everything. Call it when the app takes no more requests. */
  close(): Promise<void>
}>

/**
 * Makes the service and a guard that shares its live set, without a server or a process of their
 * own. It handles no signals, and makes no key by itself.
 *
 * @throws TypeError that says everything that is wrong with the options
 */
export function createCierre(options: CierreOptions): Cierre {
  const { config, destination, otherPaths } = readCierreOptions(options)
  const { log, writeLine, close: closeLog } = createLog(config.logLevel, destination)
  const parts = createParts({ config, log, writeLine, now: Date.now })
  parts.feed.follower.start()
  const guard = createEmbeddedGuard(parts)
  const store = config.redis === undefined ? 'memory' : 'redis'
  log.info({ version: version(), store }, 'embedded')
  warnOfIssuers(config, log)
  return {
    handler: handlerOf(parts, otherPaths),
    guard,
    ready: readyWhen(parts, guard),
    async close() {
      await guard.close()
      await closeParts(parts)
      closeLog()
    },
  }
}

const pathsOfOption: Record<OtherPath, (path: string) => boolean> = {
  health: (path) => path.startsWith('/health/'),
  metrics: (path) => path === '/metrics',
  openapi: (path) => path.startsWith('/openapi.'),
  // The page reads the contract.
  docs: (path) => path.startsWith('/docs') || path === '/openapi.json',
}
const ownPath = /^\/(?:api\/v1\/|oauth\/|\.well-known\/oauth-authorization-server$)/

function handlerOf(parts: ServiceParts, otherPaths: readonly OtherPath[]): Handler {
  const document = partOf(
    parts.contract.document,
    (path) => ownPath.test(path) || otherPaths.some((option) => pathsOfOption[option](path)),
  )
  const operations = createOperations(parts)
  const http = { document, times: serverTimes, isHosted: true }
  const respond = createServiceApp(parts, operations, http).callback()
  return createHandler(
    (request, response) => void respond(request, response),
    pathsOf(document, operations),
  )
}

const readyWhen =
  ({ stores }: ServiceParts, guard: Guard): Cierre['ready'] =>
  async (withinMs) => {
    const startedMs = performance.now()
    await guard.ready(withinMs)
    const tookMs = withinMs === undefined ? 0 : performance.now() - startedMs
    const leftMs = Math.max(1, (withinMs ?? 10_000) - tookMs)
    const { store, eviction } = await withDeadline(stores.checkHealth(), leftMs)
    const failed = Object.entries({ store, eviction }).filter(
      ([, status]) => status !== 'ok' && status !== 'warning',
    )
    if (failed.length === 0) return
    const checks = failed.map(([name, status]) => `${name} ${status}`).join(', ')
    throw new Error(`cierre is not ready: ${checks}; OPERATING.md says what each check means`)
  }
