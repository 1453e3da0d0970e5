import type { Logger } from 'pino'
import { createAudit, type Audit } from '../audit/audit.js'
import type { Config } from '../config/config.js'
import { readContract } from '../contract.js'
import { clockOf } from '../runtime/clock.js'
import { openStores } from '../store/open.js'
import type { Stores } from '../store/stores.js'
import type { WriteLine } from '../telemetry/log.js'
import { createMetrics, type Metrics } from '../telemetry/metrics.js'
import { version } from '../telemetry/version.js'
import { watchKeySets } from '../telemetry/key-set-outages.js'
import { createFeed, type Feed } from './feed.js'
import { createServiceOutages, type ServiceOutages } from './outages.js'
import { createReloadable, type Reloadable } from './reloadable.js'

export type ServiceSetup = Readonly<{
  config: Config
  log: Logger
  writeLine: WriteLine
  now: () => number
}>

/** What the service is made of, without the operations and HTTP. */
export type ServiceParts = ServiceSetup &
  Readonly<{
    contract: ReturnType<typeof readContract>
    metrics: Metrics
    stores: Stores
    serviceOutages: ServiceOutages
    audit: Audit
    reloadable: Reloadable
    feed: Feed
  }>

/** Disconnects from the store and the key sources, after what is being written is written. */
export async function closeParts(parts: ServiceParts): Promise<void> {
  const { reloadable, audit, feed, stores, serviceOutages } = parts
  // First, since closing ends what the outages look at.
  serviceOutages.outages.close()
  reloadable.close()
  await audit.close()
  await feed.close()
  await stores.close()
}

export function createParts(setup: ServiceSetup): ServiceParts {
  const { config, log, writeLine, now } = setup
  const { storeTimeoutMs: timeoutMs, maxStalenessMs } = config
  const metrics = createMetrics({ version: version() })
  const serviceOutages = createServiceOutages({
    config,
    log,
    clock: clockOf(now),
    check: (of) => stores.check(of),
  })
  const { outages } = serviceOutages
  const stores = openStores({
    config,
    log,
    now,
    observe: metrics.store,
    onReconnect: metrics.reconnected,
    outages: serviceOutages,
  })
  const audit = createAudit({
    trail: stores.trail,
    outage: serviceOutages.audit,
    writeLine,
    now,
    timeoutMs,
    address: config.audit.address,
    onRevoked: metrics.revoked,
  })
  const feed = createFeed({
    stores,
    log,
    outage: serviceOutages.feed,
    now,
    timeoutMs,
    maxStalenessMs,
  })
  const { liveSet, follower, subscribers } = feed
  const reloadable = createReloadable({ config, log, now })
  const { keySets } = reloadable
  watchKeySets(outages, keySets)
  metrics.watch({ liveSet, follower, subscribers, audit, stores, outages, keySets, now })
  const contract = readContract()
  return { ...setup, contract, metrics, stores, serviceOutages, audit, reloadable, feed }
}
