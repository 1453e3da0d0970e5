import { setTimeout as pause } from 'node:timers/promises'
import { UnknownLayout } from '../revocation/store-errors.js'
import { withDeadline } from '../runtime/deadline.js'
import { isSameIdentity, type FeedIdentity, type Place } from './continuity.js'
import { positionOf, streamIdOf, UnreadableFeed, type FeedEvent, type Position } from './event.js'
import type {
  FeedBounds,
  FeedLog,
  FeedSource,
  Inspection,
  PageReader,
  Snapshot,
  SnapshotTarget,
} from './feed-source.js'

const pageEvents = 1_000
const waitMs = 500
/** After so many entries of a scan the feed is read, too. */
const readAlongAfter = 10_000
/**
 * How long after the beginning of a read with new events the next one begins, at the earliest. A
 * page of many events shows load: the longer time then lets more events share the next page. A
 * read over a slow network takes that time by itself, and no pause is added to the round trip.
 */
const readEveryMs = { quiet: 2, busy: 8 }
const busyEvents = 4

type Parts = Readonly<{
  log: FeedLog
  /** Gives a command the deadline of the store. */
  inTime: <T>(work: Promise<T>) => Promise<T>
  timeoutMs: number
}>

/**
 * Follows the feed of a store. Every command has the deadline `timeoutMs`, except those of a scan: a
 * connection that is silent is replaced, which ends them.
 */
export function createLogSource(log: FeedLog, timeoutMs: number): FeedSource {
  const parts: Parts = { log, timeoutMs, inTime: (work) => withDeadline(work, timeoutMs) }
  return {
    delivery: 'read',
    async tail() {
      const last = await parts.inTime(log.tail())
      if (last === undefined) throw noFeed()
      return positionOf(last)
    },
    inspect: (place) => inspect(parts, place),
    snapshot: (target, signal, inspection) => scan(parts, target, signal, inspection),
    follow: (from, reader) => follow(parts, from, reader),
    confirmedAgoMs: () => log.confirmedAgoMs?.() ?? 0,
    kindOf: (error) =>
      error instanceof UnreadableFeed || error instanceof UnknownLayout ? 'unreadable' : 'passing',
  }
}

const noFeed = () => new Error('there is no feed')

// The identity is read first, so that what is read after it can only be newer.
async function inspect({ log, inTime }: Parts, place: Place | undefined): Promise<Inspection> {
  await inTime(log.begin())
  const identity = await inTime(log.identity())
  const bounds = await inTime(log.bounds())
  const id = streamIdOf(place?.position ?? '')
  const [first] = id === undefined ? [] : await inTime(log.read(id, 1))
  return inspectionOf({ identity, bounds, first }, place)
}

type Found = Readonly<{
  identity: FeedIdentity
  bounds: FeedBounds
  /** The first event from the id of the place on. */
  first: FeedEvent | undefined
}>

/** @throws Error where there is no feed: it was lost since it was begun */
export function inspectionOf(
  { identity, bounds: { firstId, last: tail, added }, first }: Found,
  place: Place | undefined,
): Inspection {
  // The next attempt finds the feed that follows.
  if (tail === undefined || identity.epoch === '') throw noFeed()
  const hasPosition = first !== undefined && positionOf(first) === place?.position
  return { identity, hasPosition, firstId, added, tail }
}

/**
 * Reads the set, and the feed meanwhile: with many revocations, the event that was last when the scan
 * began may be trimmed before the scan ends. Both only grow, so their order has no meaning.
 */
async function scan(
  parts: Parts,
  target: SnapshotTarget,
  signal: AbortSignal,
  inspection: Inspection | undefined,
): Promise<Snapshot> {
  const { log, inTime } = parts
  const tail = inspection?.tail
  if (inspection === undefined || tail === undefined) throw noFeed()
  const { identity, added } = inspection
  const connection = log.connection()
  const along: ReadAlong = { last: tail, events: 0 }
  let scanned = 0
  for await (const entries of log.scan()) {
    signal.throwIfAborted()
    for (const entry of entries) target.add(entry)
    target.onPart?.()
    scanned += entries.length
    if (scanned < readAlongAfter) continue
    scanned = 0
    await readAlong(parts, target, along)
  }
  await readAlong(parts, target, along)
  // The set is complete up to the last event only if the same server still has that event.
  const isSame = isSameIdentity(await inTime(log.identity()), identity)
  if (!isSame || log.connection() !== connection) throw changed()
  const server = { identity, added: added === undefined ? undefined : added + along.events }
  return { position: positionOf(along.last), server }
}

type ReadAlong = { last: FeedEvent; events: number }

/** Adds the events after the last one, up to the end of the feed. */
async function readAlong(
  { log, inTime }: Parts,
  target: SnapshotTarget,
  along: ReadAlong,
): Promise<void> {
  for (let isWhole = false; !isWhole;) {
    const [first, ...events] = await inTime(log.read(along.last.id, pageEvents))
    if (first === undefined || positionOf(first) !== positionOf(along.last)) throw changed()
    for (const { entry } of events) if (entry !== undefined) target.add(entry)
    along.last = events.at(-1) ?? first
    along.events += events.length
    isWhole = events.length + 1 < pageEvents
  }
}

const changed = () => new Error('the feed changed during a scan')

async function follow(parts: Parts, from: Position, reader: PageReader): Promise<void> {
  const { log, inTime } = parts
  let id = streamIdOf(from) ?? ''
  let added = 0
  /** The connection whose server the reader knows. */
  let identified: number | undefined
  for (;;) {
    const connection = log.connection()
    const begunMs = performance.now()
    reader.beforeRead(log.confirmedAgoMs?.())
    // The identity is read first here, too: a page of a newer feed must not count as its own.
    const isKnown = connection === identified
    const identity = isKnown ? undefined : await inTime(log.identity())
    const reading = inTime(log.read(id, pageEvents))
    // Sent behind the read: an event that follows the page at once ends this wait, and not one that
    // begins a round trip later. Not under load, where the page has events, and not at first, where
    // Redis may not know the script of the read: a repetition would come behind the wait.
    const waiting = isKnown && added < busyEvents ? waitAfter(parts, id, reader) : undefined
    // Where the page has events this has ended, too. Where it fails, the read has failed.
    waiting?.catch(() => undefined)
    const events = await reading
    // A connection that was replaced meanwhile says nothing about the server of this page.
    const isOfPage = log.connection() === connection
    if (isOfPage) identified = connection
    const page = { events, isWhole: events.length < pageEvents, ...(isOfPage && { identity }) }
    reader.signal.throwIfAborted()
    if (!reader.onPage(page)) return
    id = events.at(-1)?.id ?? id
    added = events.length - 1
    if (page.isWhole && added > 0) await pauseAfter(added, performance.now() - begunMs)
    else if (page.isWhole) await (waiting ?? waitAfter(parts, id, reader))
    reader.signal.throwIfAborted()
  }
}

async function pauseAfter(added: number, tookMs: number): Promise<void> {
  const leftMs = (added < busyEvents ? readEveryMs.quiet : readEveryMs.busy) - tookMs
  if (leftMs > 0) await pause(leftMs)
}

async function waitAfter({ log, timeoutMs }: Parts, id: string, reader: PageReader): Promise<void> {
  if (reader.mayWait()) await withDeadline(log.wait(id, waitMs), waitMs + timeoutMs)
}
