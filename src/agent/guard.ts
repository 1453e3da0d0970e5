import { createGuardFollower } from '../guard/guard-follower.js'
import { openGuard } from '../guard/guard.js'
import { createFeedClient } from '../guard/http-feed.js'
import { createHttpFeedSource } from '../guard/http-feed-source.js'
import type { GuardSettings } from '../guard/options.js'
import type { Guard } from '../guard/types.js'
import { createLiveSet } from '../revocation/live-set.js'

/** A guard, and the time up to which it knows every revocation. */
export type AgentGuard = Readonly<{
  guard: Guard
  /** Epoch milliseconds; `undefined` before the first proof. */
  knowsUntilMs: () => number | undefined
}>

/** Opens a guard that follows the feed of the service. */
export function openAgentGuard(settings: GuardSettings): AgentGuard {
  const { clock, maxStalenessMs } = settings
  const source = createHttpFeedSource(createFeedClient(settings.feed))
  const liveSet = createLiveSet(clock.now)
  let knowsUntilMs: AgentGuard['knowsUntilMs'] = () => undefined
  const guard = openGuard(settings, {
    liveSet,
    follow(observer) {
      const follower = createGuardFollower({
        ...observer,
        source,
        liveSet,
        clock,
        maxStalenessMs,
      })
      knowsUntilMs = () => follower.provenAt()?.nowMs
      return follower
    },
  })
  return { guard, knowsUntilMs: () => knowsUntilMs() }
}
