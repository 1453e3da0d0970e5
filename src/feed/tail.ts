import type { FeedEvent } from './event.js'
import type { FeedReader } from './feed-source.js'

/**
 * Reads the last event of the feed after each call. Calls that arrive before a read is sent share
 * that read. A call never gets a read that was sent before the call: such a read may lack the
 * newest events.
 *
 * @throws (the function) what the feed throws
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
