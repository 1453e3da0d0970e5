import { Readable } from 'node:stream'
import { ServiceError } from '../errors.js'
import {
  compareIds,
  positionOf,
  serverSentEvent,
  streamIdOf,
  type FeedEvent,
  type Position,
} from './event.js'
import { answered } from '../revocation/store-errors.js'
import type { FeedReader } from './feed-source.js'

/** Those who follow the feed over HTTP. */
export type Subscribers = {
  /**
   * A stream of Server-Sent Events from a position on, that event included. When the feed does not
   * have it any more, or loses it later, the stream says `gap` and ends.
   *
   * @throws ServiceError `bad_request` for what is no position, `too_many_requests`,
   * `store_unavailable`
   */
  open(from: Position): Promise<Readable>
  /** Sends events on: what follows, without a gap, what was published before. */
  publish(events: readonly FeedEvent[]): void
  /** Tells everybody that what follows does not join what went before. */
  gap(): void
  count(): number
  /** Ends every stream that is open; whoever may still read comes back with its position. */
  disconnect(): void
  /** Ends every stream, and takes no more. */
  close(): void
}

const pageEvents = 1_000
const heartbeatEveryMs = 10_000
/** A reader that lags so many bytes behind is cut off; it comes back with its position. */
const mostBufferedBytes = 1 << 20
const mostSubscribers = 10_000
const gapEvent = 'event: gap\ndata: {}\n\n'

type Subscriber = { stream: Readable; sentId: string }
/**
 * One that is still being sent what the store has; `whenRead` comes when it can take more, or is
 * gone.
 */
type Catching = { stream: Readable; whenRead: () => Promise<void> }

function catching(): Catching {
  let wake: () => void = () => undefined
  const stream = new Readable({ read: () => wake(), highWaterMark: 64 * 1024 })
  stream.once('close', () => wake())
  return {
    stream,
    whenRead: () =>
      new Promise((resolve) =>
        stream.destroyed || stream.readableLength < stream.readableHighWaterMark
          ? resolve()
          : (wake = resolve),
      ),
  }
}

export function createSubscribers(parts: {
  feed: FeedReader
  position: () => Position | undefined
  timeoutMs: number
}): Subscribers {
  const { feed, timeoutMs } = parts
  const live = new Set<Subscriber>()
  const joining = new Set<Readable>()
  let opened = 0
  let isClosed = false
  let pending: FeedEvent[] = []
  let sending: NodeJS.Timeout | NodeJS.Immediate | undefined

  const push = (stream: Readable, text: Buffer) => {
    stream.push(text)
    // Without an error: the connection ends in the middle, which the reader cannot take for the
    // end.
    if (stream.readableLength > mostBufferedBytes) stream.destroy()
  }
  const flush = () => {
    const startedMs = performance.now()
    const events = pending
    const text = Buffer.from(events.map(serverSentEvent).join(''))
    const [first] = events
    pending = []
    for (const { stream, sentId } of live) {
      // Who joined from the store may have had some of it.
      const isAhead = first !== undefined && compareIds(sentId, first.id) >= 0
      push(
        stream,
        isAhead
          ? Buffer.from(
              events
                .filter(({ id }) => compareIds(id, sentId) > 0)
                .map(serverSentEvent)
                .join(''),
            )
          : text,
      )
    }
    const lastId = events.at(-1)?.id
    for (const subscriber of live)
      if (lastId !== undefined && compareIds(lastId, subscriber.sentId) > 0)
        subscriber.sentId = lastId
    // However many there are, half of the time is left for everything else.
    const tookMs = performance.now() - startedMs
    sending = tookMs < 1 ? undefined : setTimeout(sendPending, tookMs)
  }
  const sendPending = () => {
    sending = undefined
    if (pending.length > 0) flush()
  }
  const heartbeat = setInterval(() => {
    const comment = Buffer.from(':\n\n')
    for (const { stream } of live) push(stream, comment)
  }, heartbeatEveryMs)
  heartbeat.unref()
  const end = (stream: Readable, text: string) => {
    stream.push(text)
    stream.push(null)
  }

  const disconnect = () => {
    sendPending()
    for (const { stream } of live) end(stream, '')
    live.clear()
    for (const stream of joining) stream.destroy()
  }

  // Pages of the store, as fast as they are read, until it is where the live set is; from there on
  // every event is published to it.
  const catchUp = async (
    { stream, whenRead }: Catching,
    page: readonly FeedEvent[],
  ): Promise<void> => {
    for (let news = page; ;) {
      const lastEvent = page.at(-1)
      if (lastEvent === undefined) return end(stream, gapEvent)
      if (news.length > 0) stream.push(Buffer.from(news.map(serverSentEvent).join('')))
      const at = streamIdOf(parts.position() ?? '')
      if (at === undefined) return end(stream, gapEvent)
      if (compareIds(lastEvent.id, at) >= 0) {
        const subscriber = { stream, sentId: lastEvent.id }
        live.add(subscriber)
        stream.once('close', () => live.delete(subscriber))
        return undefined
      }
      await whenRead()
      if (stream.destroyed) return undefined
      page = await answered('store', timeoutMs, () => feed.read(lastEvent.id, pageEvents))
      if (page[0] === undefined || positionOf(page[0]) !== positionOf(lastEvent))
        return end(stream, gapEvent)
      news = page.slice(1)
    }
  }

  return {
    async open(from) {
      const id = streamIdOf(from)
      if (id === undefined) throw new ServiceError('bad_request', { reason: 'body' })
      if (isClosed || parts.position() === undefined)
        throw new ServiceError('feed_unavailable', { reason: 'feed' })
      if (opened >= mostSubscribers)
        throw new ServiceError('too_many_requests', {
          reason: 'feed_limit',
          headers: { 'Retry-After': '1' },
        })
      opened += 1
      const page = await answered('store', timeoutMs, () => feed.read(id, pageEvents)).catch(
        (error: unknown) => {
          opened -= 1
          throw error
        },
      )
      const one = catching()
      one.stream.once('close', () => (opened -= 1))
      if (page[0] === undefined || positionOf(page[0]) !== from) end(one.stream, gapEvent)
      else if (isClosed) end(one.stream, '')
      else {
        joining.add(one.stream)
        // Without an error, as above: it comes back with its position, and is told then.
        void catchUp(one, page)
          .catch(() => one.stream.destroy())
          .finally(() => joining.delete(one.stream))
      }
      return one.stream
    },
    publish(events) {
      // Who joins later reads them from the store.
      if (live.size === 0) return
      pending.push(...events)
      sending ??= setImmediate(sendPending)
    },
    gap() {
      sendPending()
      for (const { stream } of live) end(stream, gapEvent)
      live.clear()
    },
    count: () => live.size,
    disconnect,
    close() {
      isClosed = true
      clearInterval(heartbeat)
      disconnect()
    },
  }
}
