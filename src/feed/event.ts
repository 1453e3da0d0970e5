import { decodeKey, type RevocationKey } from '../token/keys.js'
import type { Entry } from '../store/entry.js'

/** One event of the feed: a revocation, or the genesis event that every stream begins with. */
export type FeedEvent = Readonly<{
  /** Id in the stream, `milliseconds-sequence`. */
  id: string
  entry: Entry | undefined
}>

/**
 * A place in the feed is an event that must still be there: its id in the stream and its key, `1795228156000-0.t:…`. Two histories
 * of one Redis may share ids, but not events.
 */
export type Position = string

export const positionOf = ({ id, entry }: FeedEvent): Position => `${id}.${entry?.key ?? 'genesis'}`

/** The id in the stream of a position, or nothing when it is not spelled like one. */
export function streamIdOf(position: string): string | undefined {
  const [, id, key] = /^(\d{1,16}-\d{1,16})\.(.*)$/.exec(position) ?? []
  return id !== undefined && (key === 'genesis' || decodeKey(key) !== undefined) ? id : undefined
}

/** Negative when the one comes first. */
export function compareIds(one: string, other: string): number {
  const [ms = 0, sequence = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number)
  return ms - otherMs || sequence - otherSequence
}

/** An event as Server-Sent Events have it (HTML Standard §9.2); the id is the position. */
export function serverSentEvent(event: FeedEvent): string {
  const { entry } = event
  const [type, data] = entry === undefined ? ['genesis', '{}'] : ['revocation', JSON.stringify(entry)]
  return `id: ${positionOf(event)}\nevent: ${type}\ndata: ${data}\n\n`
}

/**
 * The event that was sent so.
 *
 * @throws Error when it is none
 */
export function parseServerSentEvent(sent: { id?: string | undefined; event?: string | undefined; data: string }): FeedEvent {
  const id = streamIdOf(sent.id ?? '')
  if (id === undefined) throw new Error('an event of the feed has no position')
  if (sent.event === 'genesis') return { id, entry: undefined }
  const { key, untilMs, cutoff } = JSON.parse(sent.data) as { key?: unknown; untilMs?: unknown; cutoff?: unknown }
  const known: RevocationKey | undefined = decodeKey(key)
  if (known === undefined || !(untilMs === null || Number.isFinite(untilMs)) || (known.startsWith('u:') && !Number.isFinite(cutoff))) {
    throw new Error('an event of the feed is unreadable')
  }
  return { id, entry: { key: known, untilMs: untilMs as number | null, ...(known.startsWith('u:') && { cutoff: cutoff as number }) } }
}
