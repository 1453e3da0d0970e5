import type { components } from '../../generated/openapi.js'
import type { StoredEvent } from '../audit/event.js'
import type { Io } from './io.js'
import { serviceRequests, type ServiceOptions } from './service-request.js'

/** A page of the trail, and its time by the clock of the service, which may differ from ours. */
export type Page = components['schemas']['AuditPage'] & { readAtMs: number }
export type ReadPage = (query: Record<string, string>) => Promise<Page>

/** The events that are wanted. */
const filters = ['from', 'to', 'subject', 'event', 'reason', 'client', 'key'] as const
export type Filter = Partial<Record<(typeof filters)[number], string>>

/**
 * Reads pages of the audit trail. A read throws `Refused`, or an `Error` if a repeat may succeed.
 * Its query takes precedence over the filter.
 */
export function pageReader(io: Io, options: Filter & ServiceOptions): ReadPage {
  const send = serviceRequests(io, options, 'audit')
  const filter = Object.fromEntries(
    filters.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
  return async (query) => {
    const { body, dateMs } = await send<components['schemas']['AuditPage']>({
      path: '/api/v1/audit/events',
      query: { ...filter, ...query },
      expected: 'events',
    })
    return { ...body, readAtMs: dateMs }
  }
}

/** The newest events, oldest first, and the service's time of the first page. */
export type Newest = Readonly<{ events: StoredEvent[]; readAtMs: number }>

const mostInPage = 1_000

/** Reads up to `most` of the newest events, page by page, and none older than `from`. */
export async function readNewest(
  readPage: ReadPage,
  signal: AbortSignal,
  { most, from }: { most: number; from?: string },
): Promise<Newest> {
  const events: StoredEvent[] = []
  let cursor: string | null | undefined
  let readAtMs: number | undefined
  while (cursor !== null && events.length < most && !signal.aborted) {
    const page = await readPage({
      limit: String(Math.min(mostInPage, most - events.length)),
      ...(from !== undefined && { from }),
      ...(cursor !== undefined && { cursor }),
    })
    readAtMs ??= page.readAtMs
    events.push(...page.events)
    cursor = page.cursor
    // Events are nearly in order: after a page without an event since `from`, only older ones
    // follow.
    if (from !== undefined && page.events.length === 0) break
  }
  return { events: events.reverse(), readAtMs: readAtMs ?? 0 }
}
