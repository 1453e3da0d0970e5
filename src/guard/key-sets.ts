import { createWaiters } from '../runtime/waiters.js'
import { remoteUriOf } from '../token/issuer-key-options.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import { openIssuers, type OpenIssuers } from '../token/open-issuers.js'
import type { KeySourceLog } from '../token/key-source-log.js'
import type { Patience } from './readiness.js'
import type { KeySetStats } from './stats.js'

type Parts = Readonly<{
  issuers: readonly IssuerConfig[]
  requireExp: boolean
  now: () => number
  warn: KeySourceLog['warn']
  onNotLoaded: (error: KeySetNotLoaded) => void
}>

/** A fetch of a key set has failed; the guard repeats it. */
export class KeySetNotLoaded extends Error {
  override readonly name = 'KeySetNotLoaded'
}

/** Opens the issuers of a guard, and knows which of their remote key sets are loaded. */
export function openGuardIssuers(parts: Parts) {
  const { issuers: configs, requireExp, now, warn, onNotLoaded } = parts
  /** By origin, why the last attempt to load its key set failed. */
  const reasons = new Map<string, string>()
  const waiters = createWaiters()
  let isClosed = false
  const log: KeySourceLog = {
    debug: () => undefined,
    info() {
      if (missing().length === 0) waiters.succeed()
    },
    warn,
    error(details, message) {
      const { origin, reason } = details as { origin?: string; reason?: string }
      if (origin !== undefined && reason !== undefined) reasons.set(origin, reason)
      onNotLoaded(new KeySetNotLoaded(`${message}: ${JSON.stringify(details)}`))
    },
  }
  const { issuers } = openIssuers(configs, { requireExp, log, now })
  const missing = () => missingOrigins(configs, issuers)
  return {
    issuers,
    states: () => statesOf(issuers, now()),
    /** @throws Error that names the key sets that are missing when the time is over */
    async loaded({ leftMs, inAllMs }: Patience): Promise<void> {
      if (isClosed) throw closed()
      if (missing().length > 0)
        await waiters.wait(leftMs, () => late(inAllMs(), missing(), reasons))
    },
    close() {
      isClosed = true
      issuers.forEach(({ keys }) => keys.close())
      waiters.fail(closed())
    },
  }
}

function statesOf(issuers: OpenIssuers['issuers'], nowMs: number): readonly KeySetStats[] {
  return issuers.flatMap(({ issuer, keys }) => {
    const fetched = keys.fetched?.()
    if (fetched === undefined) return []
    const { address, loadedAtMs, failures, reason } = fetched
    const ageMs = loadedAtMs === undefined ? Infinity : nowMs - loadedAtMs
    return [{ issuer, address, ageMs, failures, reason }]
  })
}

const closed = () => new Error('the guard was closed')

function late(withinMs: number, origins: readonly string[], reasons: ReadonlyMap<string, string>) {
  const faults = origins.map((origin) => {
    const reason = reasons.get(origin)
    return `the key set of ${origin} has not been loaded${reason === undefined ? '' : `: ${reason}`}`
  })
  return new Error(`the guard is not ready within ${withinMs} ms: ${faults.join('; ')}`)
}

function missingOrigins(
  configs: readonly IssuerConfig[],
  issuers: OpenIssuers['issuers'],
): readonly string[] {
  const origins = configs.flatMap(({ keys }, index) => {
    const uri = remoteUriOf(keys)
    return uri === undefined || issuers[index]?.keys.isLoaded() ? [] : [new URL(uri).origin]
  })
  return [...new Set(origins)]
}
