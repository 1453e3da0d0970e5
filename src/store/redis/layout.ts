import type { Logger } from 'pino'
import { UnknownLayout } from '../../revocation/store-errors.js'

/**
 * The version of what this code keeps in Redis. A change that older instances would misread raises
 * it: 2 has `n:`.
 */
export const layoutVersion = 2

/**
 * The first word of the error by which `commit.lua` refuses to write into a layout that it does not
 * know.
 */
export const layoutWord = 'LAYOUT'

/** What this instance knows of the layout in Redis. */
export type LayoutCheck = {
  /**
   * Checks the value that a read found under the layout's key. Nothing else of that read may be
   * used before this check.
   *
   * @throws UnknownLayout
   */
  check(found: string | null | undefined): void
  /** Whether the last read found a layout that this instance knows. */
  isKnown(): boolean
}

/** Logs how to recover, once for each change to a layout that this instance does not know. */
export function createLayoutCheck(log: Pick<Logger, 'error' | 'info'>): LayoutCheck {
  let unknown: string | undefined
  return {
    check(found) {
      const isKnown = found == null || (isVersion(found) && Number(found) <= layoutVersion)
      const before = unknown
      unknown = isKnown ? undefined : found
      if (isKnown) {
        if (before !== undefined) log.info('the layout of Redis is known again')
        return
      }
      const version = isVersion(found) ? found : '(unreadable)'
      const message = `Redis holds layout ${version}, and this instance knows up to ${layoutVersion}`
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

const isVersion = (text: string) => /^\d{1,15}$/.test(text)
