import type { Readable } from 'node:stream'
import { ServiceError } from '../errors.js'
import { answered } from '../revocation/store-errors.js'
import { createBroadcast, endStream } from './broadcast.js'
import { catchUp, createPacedStream, pageEvents, type PacedStream } from './catch-up.js'
import { positionOf, streamIdOf, type FeedEvent, type Position } from './event.js'
import type { FeedReader } from './feed-source.js'

/** The clients that follow the feed over HTTP. */
export type Subscribers = {
  /**
   * A stream of Server-Sent Events from a position on, that event included. When the feed does not
   * have the position, or loses it later, the stream sends `gap` and ends.
   *
   * @throws ServiceError `bad_request` for what is no position, `too_many_requests`,
   * `feed_unavailable`, `store_unavailable`
   */
  open(from: Position): Promise<Readable>
  /** Sends events to every stream; they must follow the events published before without a gap. */
  publish(events: readonly FeedEvent[]): void
  /** Ends every stream with `gap`: there is a gap before the events that will follow. */
  gap(): void
  count(): number
  /** Milliseconds since the slowest reader had read everything; 0 when all have. */
  largestLagMs(): number
  /** Ends every stream. A client that may still read reconnects with its position. */
  disconnect(): void
  /** Ends every stream, and opens no more. */
  close(): void
}

const mostSubscribers = 10_000
const gapEvent = 'event: gap\ndata: {}\n\n'

export function createSubscribers(parts: {
  feed: FeedReader
  position: () => Position | undefined
  timeoutMs: number
}): Subscribers {
  const { feed, position, timeoutMs } = parts
  const broadcast = createBroadcast()
  /** Streams that are sent what was stored before, each with the moment of its opening. */
  const joining = new Map<Readable, number>()
  let opened = 0
  let isClosed = false
  let disconnects = 0
  const disconnect = () => {
    disconnects += 1
    broadcast.end('')
    for (const stream of joining.keys()) stream.destroy()
  }
  const requireRoom = () => {
    if (isClosed || position() === undefined)
      throw new ServiceError('feed_unavailable', { reason: 'feed' })
    if (opened >= mostSubscribers) throw tooManySubscribers()
  }
  const begin = async (paced: PacedStream, page: readonly FeedEvent[]) => {
    joining.set(paced.stream, performance.now())
    await catchUpOrEnd(paced, page, { ...parts, join: broadcast.join })
    joining.delete(paced.stream)
  }
  return {
    async open(from) {
      const id = streamIdOf(from)
      if (id === undefined) throw new ServiceError('bad_request', { reason: 'body' })
      requireRoom()
      opened += 1
      const disconnectsBefore = disconnects
      let page: readonly FeedEvent[]
      try {
        page = await answered('store', timeoutMs, () => feed.read(id, pageEvents))
      } catch (error) {
        opened -= 1
        throw error
      }
      const paced = createPacedStream()
      paced.stream.once('close', () => (opened -= 1))
      if (page[0] === undefined || positionOf(page[0]) !== from) endStream(paced.stream, gapEvent)
      // The client may not be allowed to read any more.
      else if (disconnects !== disconnectsBefore) endStream(paced.stream, '')
      else void begin(paced, page)
      return paced.stream
    },
    publish: broadcast.publish,
    gap: () => broadcast.end(gapEvent),
    count: broadcast.size,
    largestLagMs: () => Math.max(broadcast.largestLagMs(), ...[...joining.values()].map(msSince)),
    disconnect,
    close() {
      isClosed = true
      broadcast.stop()
      disconnect()
    },
  }
}

const msSince = (momentMs: number) => performance.now() - momentMs

async function catchUpOrEnd(...[paced, page, parts]: Parameters<typeof catchUp>): Promise<void> {
  try {
    if ((await catchUp(paced, page, parts)) === 'gap') endStream(paced.stream, gapEvent)
  } catch {
    // Without an error: the client comes back with its position, and gets the error then.
    paced.stream.destroy()
  }
}

const tooManySubscribers = () =>
  new ServiceError('too_many_requests', {
    reason: 'feed_limit',
    headers: { 'Retry-After': '1' },
  })
