import { UnreadableFeed } from '../feed/event.js'
import type { FeedSource } from '../feed/feed-source.js'
import { FeedError } from './feed-error.js'
import type { FeedClient } from './http-feed.js'

/** Follows the feed of an instance. An instance names no server, and pushes its pages. */
export const createHttpFeedSource = (feed: FeedClient): FeedSource => ({
  delivery: 'pushed',
  tail: feed.position,
  snapshot: async (target, signal) => ({
    position: await feed.snapshot(target, signal),
    server: undefined,
  }),
  follow: feed.events,
  kindOf(error) {
    if (error instanceof UnreadableFeed) return 'unreadable'
    if (!(error instanceof FeedError)) return 'passing'
    if (error.status === 426) return 'unreadable'
    return error.isPermanent ? 'permanent' : 'passing'
  },
})
