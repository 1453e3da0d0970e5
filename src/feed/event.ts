import { decodeKey, type RevocationKey } from '../token/keys.js'
import type { Entry } from '../revocation/entry.js'

/**
 * The version of the feed's events and snapshot that this code reads and writes; it grows with
 * every new kind that revokes.
 */
export const feedVersion = 1

/**
 * One event of the feed: a revocation, the genesis event that every stream begins with, or
 * something informational, which revokes nothing.
 */
export type FeedEvent = Readonly<{
  /** Id in the stream, `milliseconds-sequence`. */
  id: string
  entry: Entry | undefined
  /** Name of an informational event, which begins with `info-`. */
  info?: string
}>

/**
 * The feed has something that this version cannot read, which may revoke tokens: what is held
 * without it is not complete.
 */
export class UnreadableFeed extends Error {
  override readonly name = 'UnreadableFeed'
}

export const unknownKind = (where: string): UnreadableFeed =>
  new UnreadableFeed(
    `${where} has something of a kind that version ${feedVersion} of the feed does not know: upgrade this reader`,
  )

/** Only an event whose kind has this form may be skipped by a reader that does not know it. */
export const isInformational = (kind: string | undefined): kind is string =>
  kind !== undefined && /^info-[a-z0-9-]{1,64}$/.test(kind)

/**
 * A place in the feed is an event that must still be there: its id in the stream and its key,
 * `1795228156000-0.t:…`. Two histories of one Redis may share ids, but not events.
 */
export type Position = string

export const positionOf = ({ id, entry, info }: FeedEvent): Position =>
  `${id}.${entry?.key ?? info ?? 'genesis'}`

/** The id in the stream of a position, or nothing when it is not spelled like one. */
export function streamIdOf(position: string): string | undefined {
  const [, id, key] = /^(\d{1,16}-\d{1,16})\.(.*)$/.exec(position) ?? []
  return id !== undefined &&
    (key === 'genesis' || isInformational(key) || decodeKey(key) !== undefined)
    ? id
    : undefined
}

/** Negative when the one comes first. */
export function compareIds(one: string, other: string): number {
  const [ms = 0, sequence = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number)
  return ms - otherMs || sequence - otherSequence
}

/** An event as Server-Sent Events have it (HTML Standard §9.2); the id is the position. */
export function serverSentEvent(event: FeedEvent): string {
  const { entry, info = 'genesis' } = event
  const [type, data] = entry === undefined ? [info, '{}'] : ['revocation', JSON.stringify(entry)]
  return `id: ${positionOf(event)}\nevent: ${type}\ndata: ${data}\n\n`
}

/**
 * The event that was sent so; nothing for an informational one that has no place in the feed.
 *
 * @throws UnreadableFeed when it is of an unknown kind, or unreadable
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
    throw unknownKind('an event of the feed')
  if (id === undefined)
    throw sent.id === undefined
      ? new UnreadableFeed('an event of the feed has no position')
      : unknownKind('an event of the feed')
  const event = isInfo
    ? { id, entry: undefined, info: String(sent.event) }
    : { id, entry: sent.event === 'genesis' ? undefined : parseEntry(sent.data) }
  if (positionOf(event) !== sent.id)
    throw new UnreadableFeed('an event of the feed is not what its position says')
  return event
}

function parseEntry(data: string): Entry {
  const { key, untilMs, cutoff } = parseObject(data)
  const known: RevocationKey | undefined = decodeKey(key)
  if (
    known === undefined ||
    !(untilMs === null || Number.isFinite(untilMs)) ||
    (known.startsWith('u:') && !Number.isFinite(cutoff))
  ) {
    throw new UnreadableFeed('an event of the feed is unreadable')
  }
  return {
    key: known,
    untilMs: untilMs as number | null,
    ...(known.startsWith('u:') && { cutoff: cutoff as number }),
  }
}

function parseObject(data: string): { key?: unknown; untilMs?: unknown; cutoff?: unknown } {
  try {
    return Object(JSON.parse(data)) as object
  } catch (cause) {
    throw new UnreadableFeed('an event of the feed is not JSON', { cause })
  }
}
