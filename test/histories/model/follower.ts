import type { FollowerContext } from '../../../src/feed/follower-context.js'
import type { FeedSource } from '../../../src/feed/feed-source.js'
import type { FollowerObserver } from '../../../src/feed/follower-parts.js'

const neverCalled = () => {
  throw new Error('the steps of a follower do not wait for a source')
}

/** A source that only says what it is: the model does what `follower-actions.ts` does. */
export const sourceOf = (delivery: FeedSource['delivery']): FeedSource => ({
  delivery,
  tail: neverCalled,
  snapshot: neverCalled,
  follow: neverCalled,
  kindOf: () => 'passing',
})

export const silent: FollowerObserver = {
  onEvents: () => undefined,
  onSnapshot: () => undefined,
  onSnapshotPart: () => undefined,
  onGap: () => undefined,
  onNotice: () => undefined,
  onTrouble: () => undefined,
  onPositionSeen: () => undefined,
  onProven: () => undefined,
  onFreshness: () => undefined,
}

export const maxStalenessMs = 5_000
/** The model pauses by events, not by these. */
export const retryMs = { first: 1, most: 1 }

/** As the loop of `follower.ts`: whether the present work was aborted. The next work begins. */
export function isAborted(context: FollowerContext): boolean {
  if (!context.activity.signal.aborted) return false
  context.activity = new AbortController()
  return true
}
