import { setTimeout as pause } from 'node:timers/promises'
import { UnreadableFeed, type Position } from '../feed/event.js'
import type { FeedSource, Page, SnapshotTarget } from '../feed/feed-source.js'
import { onPage, type Following } from '../feed/state.js'
import { withController } from '../runtime/abort.js'
import { FeedError } from './feed-error.js'
import type { FeedClient } from './http-feed.js'

/** Follows the feed of an instance. An instance names no server, and pushes its pages. */
export const createHttpFeedSource = (feed: FeedClient): FeedSource => ({
  delivery: 'pushed',
  tail: feed.position,
  snapshot: async (target, signal) => ({
    position: await readSnapshot(feed, target, signal),
    server: undefined,
  }),
  follow: feed.events,
  kindOf,
})

const kindOf: FeedSource['kindOf'] = (error) => {
  if (error instanceof UnreadableFeed) return 'unreadable'
  if (!(error instanceof FeedError)) return 'passing'
  if (error.status === 426) return 'unreadable'
  return error.isPermanent ? 'permanent' : 'passing'
}

/** Before each event stream. A small snapshot has arrived by then, and needs none. */
const pauseMs = 250

/**
 * Reads a snapshot, and meanwhile the events from its position on: with many revocations the feed is
 * trimmed past that position before the snapshot has arrived. Both only grow, so their order has no
 * meaning.
 *
 * @returns the position of the last event that was read
 */
const readSnapshot = (
  feed: FeedClient,
  target: SnapshotTarget,
  closing: AbortSignal,
): Promise<Position> =>
  withController(closing, async (work) => {
    const along = createReadAlong(feed, target, work)
    try {
      const position = await feed.snapshot({ ...target, onPosition: along.begin }, work.signal)
      return along.position() ?? position
    } finally {
      work.abort()
      await along.ended()
    }
  })

/** Adds the events after a position until `work` is aborted, and aborts `work` when that is vain. */
function createReadAlong(feed: FeedClient, target: SnapshotTarget, work: AbortController) {
  const { signal } = work
  let state: Following | undefined
  let reading = Promise.resolve()
  const takePage = (page: Page): boolean => {
    const next = state && onPage(state, page).state
    state = next?.mode === 'following' ? next : undefined
    if (state === undefined) return false
    for (const { entry } of page.events.slice(1)) if (entry !== undefined) target.add(entry)
    return true
  }
  const read = async () => {
    while (state !== undefined) {
      await pause(pauseMs, undefined, { signal })
      try {
        await feed.events(state.position, { onPage: takePage, signal })
        state = undefined
      } catch (error) {
        // Trouble that does not pass is reported once the snapshot has arrived and is followed.
        if (signal.aborted || kindOf(error) !== 'passing') throw error
      }
    }
    throw new FeedError('there is a gap in the feed since the position of the snapshot')
  }
  return {
    begin(position: Position) {
      state = { mode: 'following', position, server: undefined }
      reading = read().catch((error: unknown) => work.abort(error))
    },
    position: () => state?.position,
    ended: () => reading,
  }
}
