import type { Logger } from 'pino'
import { KeySetNotLoaded } from '../guard/key-sets.js'
import type { Guard } from '../guard/types.js'
import type { Outages } from '../telemetry/outages.js'

/** The outage of the service as an agent sees it: its guard is not fresh. */
export type ServiceOutage = Readonly<{
  /** The agent starts without the service. */
  begin(cause: unknown): void
  /** The feed cannot be followed. That is an outage only once the guard is stale. */
  onTrouble(error: Error): void
  /** Counts the checks that are answered with a 503. */
  checked(status: number): void
  watch(guard: Pick<Guard, 'on'>, log: Pick<Logger, 'info' | 'warn'>): void
}>

const problem = 'stale: every check is answered with a 503'

/** @param address the origin of the service */
export function createServiceOutage(outages: Outages, address: string): ServiceOutage {
  const outage = outages.open({
    outage: 'service',
    address,
    meanwhile: 'valid tokens get 503, invalid and revoked ones 401',
  })
  let trouble: Error | undefined
  const begin = (cause: unknown) => outage.failed({ problem, cause })
  return {
    begin,
    onTrouble(error) {
      trouble = error
      if (outage.isOngoing()) outage.failed({ problem, cause: error, what: 'follow' })
    },
    checked(status) {
      if (status === 503) outage.counted('checks')
    },
    watch(guard, log) {
      guard.on('fresh', () => {
        trouble = undefined
        log.info('fresh: checks are answered')
        outage.works()
      })
      guard.on('stale', () => begin(trouble ?? new Error('the service sent nothing')))
      guard.on('warning', (error) => {
        // These are outages of their own.
        if (!(error instanceof KeySetNotLoaded)) log.warn(error.message)
      })
    },
  }
}
