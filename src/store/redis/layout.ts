import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UnknownLayout } from '../../revocation/store-errors.js'
import { layoutKey } from '../names.js'
import type { RedisClient } from './client.js'
import { readScript, runScript } from './scripts.js'

/**
 * The version of what this code keeps in Redis. A change that older instances would misread raises
 * it: 2 has `n:`.
 */
export const layoutVersion = 2

/** The first word of the error by which `commit.lua` refuses to write into another layout. */
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
      const message = found == null ? undefined : faultOfLayout(found)
      const before = unknown
      unknown = message === undefined ? undefined : (found ?? undefined)
      if (message === undefined) {
        if (before !== undefined) log.info('the layout of Redis is known again')
        return
      }
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

/** Why this instance cannot read a layout; nothing for one that it knows. */
export function faultOfLayout(found: string): string | undefined {
  const isReadable = isVersion(found)
  if (isReadable && Number(found) <= layoutVersion) return undefined
  const version = isReadable ? found : '(unreadable)'
  return `Redis holds layout ${version}, and this instance knows up to ${layoutVersion}`
}

const raiseScript = readScript('raise-layout.lua')

/**
 * How long to wait before an older layout is raised. While this instance did not listen yet, requests
 * went to older instances. Those have answered by then; after the raise they would answer 500.
 */
const raiseAfterMs = 500

/** Raises an older layout, for the first time after a wait that all callers share. */
export function createLayoutRaise(): (client: RedisClient, found: string) => Promise<void> {
  let waited: Promise<void> | undefined
  return async (client, found) => {
    await (waited ??= pause(raiseAfterMs))
    await runScript(client, raiseScript, [layoutKey], [found, String(layoutVersion)])
  }
}

const isVersion = (text: string) => /^\d{1,15}$/.test(text)
