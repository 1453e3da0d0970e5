import { decodeKey, type RevocationKey } from '../token/keys.js'
import { hasCutoff, type Entry } from '../revocation/entry.js'

/**
 * The version of events and snapshots that this code writes. It reads every version up to this one.
 * 2 has `n:`; 3 has checksums in snapshots.
 */
export const feedVersion = 3

/**
 * The oldest version whose readers know every kind that revokes. Every new kind that revokes raises
 * both versions.
 */
export const oldestReaderVersion = 2

/**
 * One event of the feed: a revocation, the genesis event at the beginning of every stream, or an
 * informational event, which revokes nothing.
 */
export type FeedEvent = Readonly<{
  /** Id in the stream, `milliseconds-sequence`. */
  id: string
  /** The revocation; `undefined` for the other events. */
  entry: Entry | undefined
  /** The name of an informational event; it begins with `info-`. */
  info?: string
  /**
   * The position of the event before this one, as an instance sends it to its followers. Absent in
   * events that are read from the store, and in the first event of a stream.
   */
  previous?: Position
}>

/**
 * The feed has an event that this version cannot read. The event may revoke tokens, so a live set
 * without it is not complete.
 */
export class UnreadableFeed extends Error {
  override readonly name = 'UnreadableFeed'
}

/** @param name what names the kind, of any text */
export const unknownKind = (where: string, name = ''): UnreadableFeed =>
  new UnreadableFeed(
    `${where} has something of a kind that version ${feedVersion} of the feed does not know (${JSON.stringify(name.slice(0, 64))}): upgrade this reader`,
  )

/** A reader that does not know a kind may skip it only if the kind has this form. */
export const isInformational = (kind: string | undefined): kind is string =>
  kind !== undefined && /^info-[a-z0-9-]{1,64}$/.test(kind)

/**
 * The position of an event in the feed: its id in the stream and its key, `1795228156000-0.t:…`.
 * The id alone does not name an event: two epochs of one Redis may share ids.
 */
export type Position = string

export const positionOf = ({ id, entry, info }: FeedEvent): Position =>
  `${id}.${entry?.key ?? info ?? 'genesis'}`

/** The consecutive events after the first one, each with the position of the event before it. */
export const chained = (events: readonly FeedEvent[]): FeedEvent[] =>
  events.slice(1).map((event, index) => ({ ...event, previous: positionOf(events[index]!) }))

/** Whether no event names another event than the one before it. Earlier instances name none. */
export const isChain = (events: readonly FeedEvent[]): boolean =>
  events.every(({ previous }, index) => {
    const before = events[index - 1]
    return previous === undefined || before === undefined || previous === positionOf(before)
  })

/** The id in the stream of a position; `undefined` for text that is no position. */
export function streamIdOf(position: string): string | undefined {
  const [, id, key] = /^(\d{1,16}-\d{1,16})\.(.*)$/.exec(position) ?? []
  return id !== undefined &&
    (key === 'genesis' || isInformational(key) || decodeKey(key) !== undefined)
    ? id
    : undefined
}

/** Negative when `one` comes before `other`. */
export function compareIds(one: string, other: string): number {
  const [ms = 0, sequence = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number)
  return ms - otherMs || sequence - otherSequence
}

/** Writes an event as a Server-Sent Event (HTML Standard §9.2); its id is the position. */
export function serverSentEvent(event: FeedEvent): string {
  const { entry, info = 'genesis', previous } = event
  const type = entry === undefined ? info : 'revocation'
  // Members that are undefined are left out.
  const data = JSON.stringify({ ...entry, previous })
  return `id: ${positionOf(event)}\nevent: ${type}\ndata: ${data}\n\n`
}

/**
 * Reads a Server-Sent Event.
 *
 * @returns the event; `undefined` for an informational event without a position: such an event is
 * not in the stream of the store
 * @throws UnreadableFeed when the event is unreadable, or its kind is unknown
 */
export function parseServerSentEvent(sent: {
  id?: string | undefined
  event?: string | undefined
  data: string
}): FeedEvent | undefined {
  const id = streamIdOf(sent.id ?? '')
  const isInfo = isInformational(sent.event)
  if (isInfo && sent.id === undefined) return undefined
  if (!isInfo && sent.event !== 'genesis' && sent.event !== 'revocation')
    throw unknownKind('an event of the feed', sent.event)
  if (id === undefined)
    throw sent.id === undefined
      ? new UnreadableFeed('an event of the feed has no position')
      : unknownKind('an event of the feed', sent.id)
  const content = parseContent(sent.data, isInfo)
  const { previous } = content
  const event = {
    id,
    entry: sent.event === 'revocation' ? entryOf(content) : undefined,
    ...(isInfo && { info: String(sent.event) }),
    ...(typeof previous === 'string' && { previous }),
  }
  if (positionOf(event) !== sent.id)
    throw new UnreadableFeed('an event of the feed is not what its position says')
  return event
}

type Content = { key?: unknown; untilMs?: unknown; cutoff?: unknown; previous?: unknown }

/** An informational event may have any data. */
function parseContent(data: string, isInfo: boolean): Content {
  try {
    return Object(JSON.parse(data)) as Content
  } catch (cause) {
    if (isInfo) return {}
    throw new UnreadableFeed('an event of the feed is not JSON', { cause })
  }
}

function entryOf({ key: name, untilMs, cutoff }: Content): Entry {
  const key: RevocationKey | undefined = decodeKey(name)
  const needsCutoff = key !== undefined && hasCutoff(key)
  const isReadable =
    (untilMs === null || Number.isFinite(untilMs)) && (!needsCutoff || Number.isFinite(cutoff))
  if (key === undefined || !isReadable)
    throw new UnreadableFeed('an event of the feed is unreadable')
  return {
    key,
    untilMs: untilMs as number | null,
    ...(needsCutoff && { cutoff: cutoff as number }),
  }
}
