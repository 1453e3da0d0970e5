import type { FeedEvent } from './event.js'
import type { FeedReader } from './feed-source.js'

/**
 * Reads the tail of the feed after it was asked for. Those who ask before a read has been sent
 * share it; nobody gets one that was under way already.
 *
 * @throws (the function) whatever the feed throws
 */
export function createTailReader(
  feed: Pick<FeedReader, 'tail'>,
): () => Promise<FeedEvent | undefined> {
  let next: Promise<FeedEvent | undefined> | undefined
  return () =>
    (next ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        next = undefined
        feed.tail().then(resolve, reject)
      })
    }))
}
