import type { IssuerConfig } from '../token/issuer-options.js'
import type { KeySourceLog } from '../token/remote-key-source.js'
import { openIssuers } from '../token/open-issuers.js'

type Parts = Readonly<{
  issuers: readonly IssuerConfig[]
  requireExp: boolean
  now: () => number
  warn: KeySourceLog['warn']
}>

const longestTimerMs = 2 ** 31 - 1

/** Opens the issuers of a guard, and knows whether the key sets that have to be fetched are there. */
export function openGuardIssuers({ issuers: configs, requireExp, now, warn }: Parts) {
  /** By origin, why its key set was not loaded at the last attempt. */
  const reasons = new Map<string, string>()
  const waiting = new Set<() => void>()
  let isClosed = false

  const remember = (details: object) => {
    const { origin, reason } = details as { origin?: string; reason?: string }
    if (origin !== undefined && reason !== undefined) reasons.set(origin, reason)
  }
  // A key source reports every attempt to load a set here; whether a set is there is asked of the source itself.
  const log: KeySourceLog = {
    info: () => waiting.forEach((check) => check()),
    warn,
    error(details, message) {
      remember(details)
      warn(details, message)
    },
  }
  const { issuers } = openIssuers(configs, { requireExp, log, now })

  const missing = (): string[] =>
    configs.flatMap(({ key }, at) =>
      key.kind !== 'remote' || issuers[at]?.keys.isLoaded() === true
        ? []
        : [new URL(key.uri).origin],
    )
  const faultOf = (origin: string) => {
    const reason = reasons.get(origin)
    return `the key set of ${origin} has not been loaded${reason === undefined ? '' : `: ${reason}`}`
  }
  return {
    issuers,
    /** @throws Error that names the key sets that are not there within `ms`; its message says `withinMs` */
    loaded(ms: number, withinMs: number): Promise<void> {
      return new Promise((resolve, reject) => {
        const end = (error: Error | undefined) => {
          clearTimeout(timer)
          waiting.delete(check)
          if (error === undefined) resolve()
          else reject(error)
        }
        const check = () => {
          if (isClosed) end(new Error('the guard was closed'))
          else if (missing().length === 0) end(undefined)
        }
        const late = () => {
          const faults = [...new Set(missing())].map(faultOf)
          end(
            faults.length === 0
              ? undefined
              : new Error(`the guard is not ready within ${withinMs} ms: ${faults.join('; ')}`),
          )
        }
        const timer = setTimeout(late, Math.min(ms, longestTimerMs))
        waiting.add(check)
        check()
      })
    },
    close() {
      isClosed = true
      issuers.forEach(({ keys }) => keys.close())
      waiting.forEach((check) => check())
    },
  }
}
