import { Readable } from 'node:stream'
import { answered } from '../revocation/store-errors.js'
import {
  chained,
  compareIds,
  positionOf,
  serverSentEvent,
  streamIdOf,
  type FeedEvent,
  type Position,
} from './event.js'
import type { FeedReader } from './feed-source.js'

/** A stream. `whenRead` resolves when the stream takes more bytes or is closed. */
export type PacedStream = Readonly<{ stream: Readable; whenRead: () => Promise<void> }>

export const pageEvents = 1_000
const bufferedBytes = 64 * 1024

export function createPacedStream(): PacedStream {
  let wake: () => void = () => undefined
  const stream = new Readable({ read: () => wake(), highWaterMark: bufferedBytes })
  stream.once('close', () => wake())
  const isReady = () => stream.destroyed || stream.readableLength < stream.readableHighWaterMark
  return {
    stream,
    whenRead: () =>
      new Promise((resolve) => {
        if (isReady()) resolve()
        else wake = resolve
      }),
  }
}

export type CatchUpParts = Readonly<{
  feed: FeedReader
  position: () => Position | undefined
  timeoutMs: number
  /** Takes over the stream. `sentId` is the id of the last event that was sent. */
  join: (stream: Readable, sentId: string) => void
}>

/**
 * Sends pages of the store as fast as the stream is read. Once the stream has reached the position
 * of the live set, `join` takes over the stream.
 *
 * @param page the first page; its first event is sent, too
 * @returns `ended` when the reader has left
 */
export async function catchUp(
  { stream, whenRead }: PacedStream,
  page: readonly FeedEvent[],
  { feed, position, timeoutMs, join }: CatchUpParts,
): Promise<'joined' | 'gap' | 'ended'> {
  const readAfter = (id: string) => answered('store', timeoutMs, () => feed.read(id, pageEvents))
  let last = page.at(-1)
  let events: readonly FeedEvent[] = [...page.slice(0, 1), ...chained(page)]
  while (last !== undefined) {
    // A stream that has closed already would never leave the broadcast.
    if (stream.destroyed) return 'ended'
    if (events.length > 0) stream.push(Buffer.from(events.map(serverSentEvent).join('')))
    const heldId = streamIdOf(position() ?? '')
    if (heldId === undefined) return 'gap'
    if (compareIds(last.id, heldId) >= 0) {
      // No `await` may stand between `position` and `join`: an event published in between would be
      // lost.
      join(stream, last.id)
      return 'joined'
    }
    await whenRead()
    const next = await readAfter(last.id)
    const [first] = next
    if (first === undefined || positionOf(first) !== positionOf(last)) return 'gap'
    last = next.at(-1)
    events = chained(next)
  }
  return 'gap'
}
