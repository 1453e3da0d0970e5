import type { IssuerConfig } from '../token/issuer-options.js'
import { openIssuers, type OpenIssuers } from '../token/open-issuers.js'
import type { KeySourceLog } from '../token/remote-key-source.js'

type Parts = Readonly<{
  issuers: readonly IssuerConfig[]
  requireExp: boolean
  now: () => number
  warn: KeySourceLog['warn']
}>

const longestTimerMs = 2 ** 31 - 1

/** Opens the issuers of a guard, and knows which of their remote key sets are loaded. */
export function openGuardIssuers({ issuers: configs, requireExp, now, warn }: Parts) {
  /** By origin, why the last attempt to load its key set failed. */
  const reasons = new Map<string, string>()
  const waiting = new Set<() => void>()
  let isClosed = false
  const checkAll = () => waiting.forEach((check) => check())
  const log: KeySourceLog = {
    info: checkAll,
    warn,
    error(details, message) {
      const { origin, reason } = details as { origin?: string; reason?: string }
      if (origin !== undefined && reason !== undefined) reasons.set(origin, reason)
      warn(details, message)
    },
  }
  const { issuers } = openIssuers(configs, { requireExp, log, now })
  const late = (withinMs: number) => {
    const violations = missingOrigins(configs, issuers).map((origin) => {
      const reason = reasons.get(origin)
      return `the key set of ${origin} has not been loaded${reason === undefined ? '' : `: ${reason}`}`
    })
    return new Error(`the guard is not ready within ${withinMs} ms: ${violations.join('; ')}`)
  }
  const isLoaded = () => missingOrigins(configs, issuers).length === 0
  return {
    issuers,
    /** @throws Error that names the key sets that are missing after `ms`, and `withinMs` */
    loaded(ms: number, withinMs: number): Promise<void> {
      return new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer)
          waiting.delete(check)
          settle()
        }
        const check = () => {
          if (isClosed) end(() => reject(new Error('the guard was closed')))
          else if (isLoaded()) end(resolve)
        }
        const onTimeout = () => end(isLoaded() ? resolve : () => reject(late(withinMs)))
        const timer = setTimeout(onTimeout, Math.min(ms, longestTimerMs))
        waiting.add(check)
        check()
      })
    },
    close() {
      isClosed = true
      issuers.forEach(({ keys }) => keys.close())
      checkAll()
    },
  }
}

function missingOrigins(
  configs: readonly IssuerConfig[],
  issuers: OpenIssuers['issuers'],
): readonly string[] {
  const origins = configs.flatMap(({ key }, index) =>
    key.kind !== 'remote' || issuers[index]?.keys.isLoaded() === true
      ? []
      : [new URL(key.uri).origin],
  )
  return [...new Set(origins)]
}
