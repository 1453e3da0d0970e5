import type { Readable } from 'node:stream'
import { compareIds, serverSentEvent, type FeedEvent } from './event.js'

/** Streams that get every new event as soon as it is published. */
export type Broadcast = Readonly<{
  /** Adds a stream that was sent every event up to `sentId`. */
  join(stream: Readable, sentId: string): void
  /** Sends events to every stream; they must follow the events published before without a gap. */
  publish(events: readonly FeedEvent[]): void
  /** Sends what is pending, then `text`, and ends every stream. */
  end(text: string): void
  size(): number
  /** Milliseconds since the slowest reader had read everything; 0 when all have. */
  largestLagMs(): number
  stop(): void
}>

/** `behindSinceMs`: when the stream was last given bytes while it had none, on the monotonic clock. */
type Subscriber = { readonly stream: Readable; sentId: string; behindSinceMs: number }

const heartbeatEveryMs = 10_000
/** A reader with more unread bytes than this is disconnected; it reconnects with its position. */
const mostBufferedBytes = 1 << 20

export function createBroadcast(): Broadcast {
  const subscribers = new Set<Subscriber>()
  let pending: FeedEvent[] = []
  let sending: NodeJS.Timeout | NodeJS.Immediate | undefined
  let heartbeat: NodeJS.Timeout | undefined
  const flush = () => {
    sending = undefined
    if (pending.length === 0) return
    const startedMs = performance.now()
    const events = pending
    pending = []
    send(subscribers, events)
    // The pause is as long as the sending was: other work gets half of the time, however many
    // subscribers there are.
    const tookMs = performance.now() - startedMs
    if (tookMs >= 1) sending = setTimeout(flush, tookMs)
  }
  return {
    join(stream, sentId) {
      heartbeat ??= startHeartbeat(subscribers)
      const subscriber = { stream, sentId, behindSinceMs: performance.now() }
      subscribers.add(subscriber)
      stream.once('close', () => subscribers.delete(subscriber))
    },
    publish(events) {
      // A subscriber that joins later reads these events from the store.
      if (subscribers.size === 0) return
      pending.push(...events)
      sending ??= setImmediate(flush)
    },
    end(text) {
      flush()
      for (const { stream } of subscribers) endStream(stream, text)
      subscribers.clear()
    },
    size: () => subscribers.size,
    largestLagMs: () => Math.max(0, ...[...subscribers].map(lagOf)),
    stop: () => clearInterval(heartbeat),
  }
}

export function endStream(stream: Readable, text: string): void {
  stream.push(text)
  stream.push(null)
}

const bytesOf = (events: readonly FeedEvent[]) => Buffer.from(events.map(serverSentEvent).join(''))

/** Sends each subscriber the events that it has not read from the store. */
function send(subscribers: ReadonlySet<Subscriber>, events: readonly FeedEvent[]): void {
  const [first] = events
  const last = events.at(-1)
  if (first === undefined || last === undefined) return
  const bytes = bytesOf(events)
  for (const subscriber of subscribers) {
    const { sentId } = subscriber
    const isAhead = compareIds(sentId, first.id) >= 0
    push(
      subscriber,
      isAhead ? bytesOf(events.filter(({ id }) => compareIds(id, sentId) > 0)) : bytes,
    )
    if (compareIds(last.id, sentId) > 0) subscriber.sentId = last.id
  }
}

const lagOf = ({ stream, behindSinceMs }: Subscriber) =>
  stream.readableLength === 0 ? 0 : performance.now() - behindSinceMs

function push(subscriber: Subscriber, bytes: Buffer): void {
  const { stream } = subscriber
  if (stream.readableLength === 0) subscriber.behindSinceMs = performance.now()
  stream.push(bytes)
  // Without an error: the answer breaks off, and no reader takes that for its regular end.
  if (stream.readableLength > mostBufferedBytes) stream.destroy()
}

function startHeartbeat(subscribers: ReadonlySet<Subscriber>): NodeJS.Timeout {
  const comment = Buffer.from(':\n\n')
  const timer = setInterval(() => {
    for (const subscriber of subscribers) push(subscriber, comment)
  }, heartbeatEveryMs)
  return timer.unref()
}
