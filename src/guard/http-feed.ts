import { createParser } from 'eventsource-parser'
import {
  feedVersion,
  parseServerSentEvent,
  positionOf,
  UnreadableFeed,
  type FeedEvent,
  type Position,
} from '../feed/event.js'
import type { PageReader, SnapshotTarget } from '../feed/feed-source.js'
import { createSnapshotReader, DamagedSnapshot } from '../feed/snapshot-reader.js'
import { request, textOf, withDeadlineSignal, type Answer } from '../runtime/http-client.js'
import { authorizationOf, type Credentials } from './credentials.js'
import type { createIssuerComparison, ServiceIssuer } from './issuer-differences.js'
import { FeedError, violationOf, type FeedPart } from './feed-error.js'

const connectWithinMs = 5_000
/** The service sends a heartbeat every 10 s. */
const silentForMs = 25_000
/** A snapshot may take long, but not stand still. */
const snapshotStallsMs = 10_000
const busyAtMostMs = 5
const writtenAtOnceBytes = 16_384
const longestEvent = 65_536

/** What takes a snapshot. `onPosition` gets the position in the head, before any record. */
type SnapshotReceiver = Pick<SnapshotTarget, 'addPacked' | 'onPart'> &
  Readonly<{ onPosition: (position: Position) => void }>

export type FeedClient = Readonly<{
  /**
   * Adds a snapshot to a live set, without blocking the event loop.
   *
   * @returns the position that the snapshot is complete up to
   */
  snapshot(receiver: SnapshotReceiver, signal: AbortSignal): Promise<Position>
  /** Gives every event from a position on. Returns when the feed says that there is a gap. */
  events(from: Position, reader: Pick<PageReader, 'onPage' | 'signal'>): Promise<void>
  position(signal: AbortSignal): Promise<Position>
}>

type PartRequest = Readonly<{
  part: FeedPart
  query: Readonly<Record<string, string>>
  signal: AbortSignal
}>
type Connection = Readonly<{
  origin: string
  send<T>(request: PartRequest, read: (answer: Answer) => Promise<T>): Promise<T>
}>

/**
 * Requests the feed with credentials that have been checked.
 *
 * @param onIssuers gets the issuers that come with each position
 */
export function createFeedClient(
  credentials: Credentials,
  onIssuers: ReturnType<typeof createIssuerComparison> = () => undefined,
): FeedClient {
  const connection = connectionOf(credentials)
  return {
    snapshot: (receiver, signal) => readSnapshot(connection, receiver, signal),
    events: (from, reader) => readEvents(connection, from, reader),
    position: (signal) =>
      connection.send({ part: 'position', query: {}, signal }, async (answer) => {
        const { position, issuers } = JSON.parse(await textOf(answer, longestEvent)) as {
          position?: unknown
          issuers?: readonly ServiceIssuer[]
        }
        if (typeof position !== 'string') throw new FeedError('the feed has no position')
        onIssuers(issuers)
        return position
      }),
  }
}

function connectionOf(credentials: Credentials): Connection {
  const { origin } = new URL(credentials.url)
  const authorize = authorizationOf(credentials)
  return {
    origin,
    async send({ part, query, signal }, read) {
      const parameters = new URLSearchParams({ ...query, version: String(feedVersion) })
      const headers = { authorization: await authorize() }
      const url = `${origin}/api/v1/revocations/${part}?${parameters.toString()}`
      return request(url, { headers, signal }, async (answer) => {
        const violation = violationOf(origin, part, answer)
        if (violation !== undefined) throw violation
        return read(answer)
      })
    },
  }
}

/**
 * Reads a body piece by piece, until `onPiece` says `false`, or nothing comes for `silentForMs`.
 */
function readPieces(
  { send }: Connection,
  request: PartRequest & { silentForMs: number },
  onPiece: (piece: Uint8Array) => boolean | Promise<boolean>,
): Promise<void> {
  return withDeadlineSignal(connectWithinMs, request.signal, ({ signal, extend }) =>
    send({ ...request, signal }, async ({ pieces }) => {
      extend(request.silentForMs)
      for await (const piece of pieces) {
        extend(request.silentForMs)
        if (!(await onPiece(piece))) return
      }
    }),
  )
}

async function readSnapshot(
  connection: Connection,
  receiver: SnapshotReceiver,
  signal: AbortSignal,
): Promise<Position> {
  const reader = createSnapshotReader(receiver, receiver.onPosition)
  let busySinceMs = performance.now()
  const pause = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    busySinceMs = performance.now()
  }
  let hasBegun = false
  const write = (bytes: Uint8Array) => {
    try {
      reader.write(bytes)
    } catch (error) {
      throw hasBegun || error instanceof DamagedSnapshot
        ? error
        : notASnapshot(connection.origin, error)
    }
    hasBegun = true
  }
  const request = { part: 'snapshot', query: {}, silentForMs: snapshotStallsMs, signal } as const
  await readPieces(connection, request, async (piece) => {
    for (let start = 0; start < piece.length; start += writtenAtOnceBytes) {
      write(piece.subarray(start, start + writtenAtOnceBytes))
      if (performance.now() - busySinceMs >= busyAtMostMs) await pause()
    }
    receiver.onPart?.()
    return true
  })
  return reader.end()
}

/**
 * An answer that is wrong from its first bytes on is no snapshot. A later fault means a damaged
 * snapshot.
 */
const notASnapshot = (origin: string, error: unknown): unknown =>
  error instanceof UnreadableFeed
    ? error
    : new FeedError(
        `${origin} answered what cannot be read: ${(error as Error).message}`,
        200,
        true,
      )

async function readEvents(
  connection: Connection,
  from: Position,
  { onPage, signal }: Pick<PageReader, 'onPage' | 'signal'>,
): Promise<void> {
  const pages = createPages(from)
  const decoder = new TextDecoder()
  const request = { part: 'events', query: { from }, silentForMs, signal } as const
  await readPieces(connection, request, (piece) => {
    try {
      pages.parse(decoder.decode(piece, { stream: true }))
    } finally {
      // The events before an unreadable event are taken, too.
      const events = pages.take()
      if (events !== undefined && !onPage({ events, isWhole: false })) pages.end()
    }
    return !pages.isEnded()
  })
  if (!pages.isEnded()) throw new FeedError('the feed ended')
}

/** Collects the events of a stream into pages that begin with the last event of the page before. */
function createPages(from: Position) {
  let events: FeedEvent[] = []
  let hasBegun = false
  let isEnded = false
  const add = (event: FeedEvent) => {
    if (events.length === 0 && positionOf(event) !== from)
      throw new FeedError('the feed does not begin where it was asked to')
    events.push(event)
  }
  const parser = createParser({
    onEvent(sent) {
      if (sent.event === 'gap') isEnded = true
      if (isEnded) return
      const event = parseServerSentEvent(sent)
      if (event !== undefined) add(event)
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded')
        throw new FeedError('an event of the feed never ends')
    },
    maxBufferSize: longestEvent,
  })
  return {
    parse: (text: string) => parser.feed(text),
    /** The page so far; `undefined` when it has nothing new. */
    take(): readonly FeedEvent[] | undefined {
      const last = events.at(-1)
      if (last === undefined || (hasBegun && events.length === 1)) return undefined
      const page = events
      events = [last]
      hasBegun = true
      return page
    },
    end: () => void (isEnded = true),
    isEnded: () => isEnded,
  }
}
