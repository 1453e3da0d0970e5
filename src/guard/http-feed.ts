import { createParser } from 'eventsource-parser'
import {
  feedVersion,
  parseServerSentEvent,
  UnreadableFeed,
  type FeedEvent,
  type Position,
} from '../feed/event.js'
import { createSnapshotReader } from '../feed/snapshot.js'
import type { LiveSet } from '../revocation/live-set.js'
import { request, textOf, withDeadlineSignal, type Answer } from '../runtime/http-client.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import type { Credentials } from './credentials.js'

/** Where the feed is, and who asks: a machine client that may read the `feed`. */
export type FeedOptions = Readonly<{
  /** The service's origin; `https:`, or `http:` on a loopback address. */
  url: string
  clientId: string
  /** Undefined, as a variable is that is not set, is refused when the guard is made. */
  clientSecret: string | undefined
}>

/** The feed answered something else than what was asked for. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
  /** @param isPermanent whether the same question will get the same answer until a person changes something */
  constructor(
    message: string,
    readonly status?: number,
    readonly isPermanent = false,
  ) {
    super(message)
  }
}

/** What each part of the feed answers with, as its media type. */
const mediaTypes = {
  snapshot: 'application/octet-stream',
  events: 'text/event-stream',
  position: 'application/json',
} as const

type FeedPart = keyof typeof mediaTypes

/** Statuses below 500 that pass by themselves: a slow or early request, and a limit. */
const passing = [408, 425, 429]

/** Why an answer is none of a feed; nothing when it is one. */
export function faultOfAnswer(
  origin: string,
  part: FeedPart,
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
): FeedError | undefined {
  const advice = 'feed.url must be the origin of a cierre service'
  if (status === 401 || status === 403) {
    return new FeedError(
      `${origin} answered ${status}: clientId and clientSecret must be of a client that may read the feed`,
      status,
      true,
    )
  }
  if (status === 426) {
    return new FeedError(
      `${origin} answered 426: its revocations are of kinds that version ${feedVersion} of the feed does not have; upgrade this guard`,
      status,
      true,
    )
  }
  if (status >= 500 || passing.includes(status))
    return new FeedError(`${origin} answered ${status}`, status)
  if (status >= 300 && status < 400)
    return new FeedError(`${origin} answered ${status}, a redirect: ${advice}`, status, true)
  if (status !== 200) return new FeedError(`${origin} answered ${status}: ${advice}`, status, true)
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';', 1)
  if (type.trim() === mediaTypes[part]) return undefined
  // What a stranger calls its answer goes into a log.
  const named = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type.trim()) ? type.trim() : 'an unknown type'
  return new FeedError(
    `${origin} answered with ${named} where the feed has ${mediaTypes[part]}: ${advice}`,
    status,
    true,
  )
}

const connectWithinMs = 5_000
/** The service is heard from every 10 s. */
const silentForMs = 25_000
/** A snapshot may take long, but not stand still. */
const snapshotStallsMs = 10_000
const busyAtMostMs = 5
const longestEvent = 65_536

export type FeedClient = ReturnType<typeof createFeedClient>

/** Asks the feed with credentials that have been checked. */
export function createFeedClient(credentials: Credentials) {
  const { origin } = new URL(credentials.url)
  const authorization = basicAuthorization(credentials)

  // A redirect is not followed, and is told from a connection that failed.
  const askFeed = <T>(
    part: FeedPart,
    query: Record<string, string>,
    signal: AbortSignal,
    read: (answer: Answer) => Promise<T>,
  ): Promise<T> =>
    request(
      `${origin}/api/v1/revocations/${part}?${new URLSearchParams({ ...query, version: String(feedVersion) }).toString()}`,
      { headers: { authorization }, redirect: 'manual', signal },
      async (answer) => {
        const fault = faultOfAnswer(origin, part, answer)
        if (fault !== undefined) throw fault
        return read(answer)
      },
    )
  /** Reads a body piece by piece, and gives up when nothing comes for `silentForMs`. */
  const follow = (
    part: FeedPart,
    query: Record<string, string>,
    silentForMs: number,
    closing: AbortSignal,
    onPiece: (piece: Uint8Array) => void | Promise<void>,
  ): Promise<void> =>
    withDeadlineSignal(connectWithinMs, closing, ({ signal, extend }) =>
      askFeed(part, query, signal, async ({ pieces }) => {
        extend(silentForMs)
        for await (const piece of pieces) {
          extend(silentForMs)
          await onPiece(piece)
        }
      }),
    )
  return {
    /** Joins a snapshot to the live set, without holding up the event loop. Answers the position it is complete up to. */
    async snapshot(liveSet: LiveSet, closing: AbortSignal): Promise<Position> {
      const reader = createSnapshotReader(liveSet)
      let busySinceMs = performance.now()
      let hasBegun = false
      const write = (piece: Uint8Array) => {
        try {
          reader.write(piece)
        } catch (cause) {
          // What is wrong from its first byte on is another thing than a snapshot that was damaged.
          throw hasBegun || cause instanceof UnreadableFeed
            ? cause
            : new FeedError(
                `${origin} answered what cannot be read: ${(cause as Error).message}`,
                200,
                true,
              )
        }
        hasBegun = true
      }
      await follow('snapshot', {}, snapshotStallsMs, closing, async (piece) => {
        for (let at = 0; at < piece.length; at += 16_384) {
          write(piece.subarray(at, at + 16_384))
          if (performance.now() - busySinceMs < busyAtMostMs) continue
          await new Promise((resolve) => setImmediate(resolve))
          busySinceMs = performance.now()
        }
      })
      return reader.end()
    },
    /** Every event from the position on, that of the position included; comes back when the feed says that there is a gap. */
    async events(
      from: Position,
      onEvent: (event: FeedEvent) => void,
      closing: AbortSignal,
    ): Promise<'gap'> {
      const decoder = new TextDecoder()
      let isGap = false
      const parser = createParser({
        onEvent(sent) {
          if (sent.event === 'gap') isGap = true
          if (isGap) return
          const event = parseServerSentEvent(sent)
          if (event !== undefined) onEvent(event)
        },
        onError(error) {
          if (error.type === 'max-buffer-size-exceeded')
            throw new FeedError('an event of the feed never ends')
        },
        maxBufferSize: longestEvent,
      })
      await follow('events', { from }, silentForMs, closing, (piece) =>
        parser.feed(decoder.decode(piece, { stream: true })),
      )
      if (!isGap) throw new FeedError('the feed ended')
      return 'gap'
    },
    position: (signal: AbortSignal): Promise<Position> =>
      askFeed('position', {}, signal, async (answer) => {
        const { position } = JSON.parse(await textOf(answer, longestEvent)) as {
          position?: unknown
        }
        if (typeof position !== 'string') throw new FeedError('the feed has no position')
        return position
      }),
  }
}
