import { createParser } from 'eventsource-parser'
import { parseServerSentEvent, type FeedEvent, type Position } from '../feed/event.js'
import { createSnapshotReader } from '../feed/snapshot.js'
import type { Replica } from '../replica.js'
import { ask, textOf, within, type Answer } from '../asking.js'
import { basicAuthorization } from '../basic.js'

/** Where the feed is, and who asks: a machine client that may read the `feed`. */
export type FeedOptions = Readonly<{
  /** The service's origin; `https:`, or `http:` on a loopback address. */
  url: string
  clientId: string
  clientSecret: string
}>

/** The feed answered something else than what was asked for. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  constructor(message: string, readonly status?: number) {
    super(message)
  }
}

const connectWithinMs = 5_000
/** The service is heard from every 10 s. */
const silentForMs = 25_000
/** A snapshot may take long, but not stand still. */
const snapshotStallsMs = 10_000
const busyAtMostMs = 5
const longestEvent = 65_536

export type FeedClient = ReturnType<typeof createFeedClient>

/** @throws TypeError when `url` is no such origin */
export function createFeedClient(options: FeedOptions) {
  const origin = checkedOrigin(options.url)
  const authorization = basicAuthorization(options)

  const askFeed = <T>(path: string, signal: AbortSignal, read: (answer: Answer) => Promise<T>): Promise<T> =>
    ask(`${origin}/api/v1/revocations/${path}`, { headers: { authorization }, signal }, async (answer) => {
      const { status } = answer
      if (status === 200) return read(answer)
      const hint = status === 401 || status === 403 ? ': clientId and clientSecret must be of a client that may read the feed' : ''
      throw new FeedError(`${origin} answered ${status}${hint}`, status)
    })
  /** Reads a body piece by piece, and gives up when nothing comes for `silentForMs`. */
  const follow = (path: string, silentForMs: number, closing: AbortSignal, onPiece: (piece: Uint8Array) => void | Promise<void>): Promise<void> =>
    within(connectWithinMs, closing, ({ signal, extend }) =>
      askFeed(path, signal, async ({ pieces }) => {
        extend(silentForMs)
        for await (const piece of pieces) {
          extend(silentForMs)
          await onPiece(piece)
        }
      }))
  return {
    /** Joins a snapshot to the replica, without holding up the event loop. Answers the position it is complete up to. */
    async snapshot(replica: Replica, closing: AbortSignal): Promise<Position> {
      const reader = createSnapshotReader(replica)
      let busySinceMs = performance.now()
      await follow('snapshot', snapshotStallsMs, closing, async (piece) => {
        for (let at = 0; at < piece.length; at += 16_384) {
          reader.write(piece.subarray(at, at + 16_384))
          if (performance.now() - busySinceMs < busyAtMostMs) continue
          await new Promise((resolve) => setImmediate(resolve))
          busySinceMs = performance.now()
        }
      })
      return reader.end()
    },
    /** Every event from the position on, that of the position included; comes back when the feed says that there is a gap. */
    async events(from: Position, onEvent: (event: FeedEvent) => void, closing: AbortSignal): Promise<'gap'> {
      const decoder = new TextDecoder()
      let isGap = false
      const parser = createParser({
        onEvent(sent) {
          if (sent.event === 'gap') isGap = true
          // What other events there may be one day is nothing to this version.
          else if (!isGap && (sent.event === 'revocation' || sent.event === 'genesis')) onEvent(parseServerSentEvent(sent))
        },
        onError(error) {
          if (error.type === 'max-buffer-size-exceeded') throw new FeedError('an event of the feed never ends')
        },
        maxBufferSize: longestEvent,
      })
      await follow(`events?from=${encodeURIComponent(from)}`, silentForMs, closing, (piece) => parser.feed(decoder.decode(piece, { stream: true })))
      if (!isGap) throw new FeedError('the feed ended')
      return 'gap'
    },
    position: (signal: AbortSignal): Promise<Position> =>
      askFeed('position', signal, async (answer) => {
        const { position } = JSON.parse(await textOf(answer, longestEvent)) as { position?: unknown }
        if (typeof position !== 'string') throw new FeedError('the feed has no position')
        return position
      }),
  }
}

function checkedOrigin(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isLoopback = parsed !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(parsed.hostname)
  const isSafe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback)
  if (parsed === undefined || !isSafe || parsed.username !== '' || parsed.pathname !== '/' || parsed.search !== '') {
    throw new TypeError('feed.url must be an origin: https://…, or http:// on a loopback address')
  }
  return parsed.origin
}
