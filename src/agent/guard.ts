import { followService, openGuard } from '../guard/guard.js'
import type { GuardSettings } from '../guard/options.js'
import type { Guard } from '../guard/types.js'

/** A guard, and the time up to which it knows every revocation. */
export type AgentGuard = Readonly<{
  guard: Guard
  /** Epoch milliseconds; `undefined` until a freshness check has passed. */
  knowsUntilMs: () => number | undefined
}>

/**
 * Opens a guard that follows the feed of the service.
 *
 * @param onTrouble called each time that the feed cannot be followed
 */
export function openAgentGuard(
  settings: GuardSettings,
  onTrouble: (error: Error) => void,
): AgentGuard {
  const { liveSet, follow } = followService(settings)
  let follower: ReturnType<typeof follow> | undefined
  const guard = openGuard(settings, {
    liveSet,
    follow: (observer) => (follower = follow({ ...observer, onTrouble })),
  })
  return { guard, knowsUntilMs: () => follower?.provenAt()?.nowMs }
}
