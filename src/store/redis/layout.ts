import type { Logger } from 'pino'
import { UnknownLayout } from '../../revocation/store-errors.js'

/** The version of what this code keeps in Redis. It grows with every change that an older instance would misread. */
export const layoutVersion = 1

/** How the commit's answer begins when it refuses to write into a layout that is newer than its own, or that it cannot read. */
export const layoutWord = 'LAYOUT'

/** What this instance knows of the layout in Redis. */
export type LayoutCheck = {
  /**
   * To be called with what every read finds under the layout's key, before what else it finds is used.
   *
   * @throws UnknownLayout
   */
  check(found: string | null | undefined): void
  /** Whether the last read found a layout that this instance knows. */
  isKnown(): boolean
}

/** Logs once how to recover, whenever the layout becomes one that this instance does not know. */
export function createLayoutCheck(log: Pick<Logger, 'error' | 'info'>): LayoutCheck {
  let unknown: string | undefined
  return {
    check(found) {
      const isKnown = found == null || (/^\d{1,15}$/.test(found) && Number(found) <= layoutVersion)
      const before = unknown
      unknown = isKnown ? undefined : found
      if (isKnown) {
        if (before !== undefined) log.info('the layout of Redis is known again')
        return
      }
      const message = `Redis holds layout ${/^\d{1,15}$/.test(found) ? found : '(unreadable)'}, and this instance knows up to ${layoutVersion}`
      if (before !== found)
        log.error(
          { layoutKnown: layoutVersion },
          `${message}: upgrade this instance; until then it answers 503, and 500 at logout`,
        )
      throw new UnknownLayout(message)
    },
    isKnown: () => unknown === undefined,
  }
}
