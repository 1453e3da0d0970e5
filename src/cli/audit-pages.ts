import type { components } from '../../generated/openapi.js'
import type { StoredEvent } from '../audit/event.js'
import { basicAuthorization } from '../runtime/basic-authorization.js'
import { requestWithin, textOf } from '../runtime/http-client.js'
import { credentialsOf, requestTimeoutMs, urlOf, type Io } from './io.js'

/** A page of the trail, and its time by the clock of the service, which may differ from ours. */
export type Page = components['schemas']['AuditPage'] & { readAtMs: number }
export type ReadPage = (query: Record<string, string>) => Promise<Page>

/** The service refuses the request, and would refuse a repeat, too. */
export class Refused extends Error {}

const refusals: Record<number, string> = {
  400: 'the service does not understand this',
  401: 'the client is not known, or its secret is wrong',
  403: 'the client may not audit',
}

/** The events that are wanted. */
const filters = ['from', 'to', 'subject'] as const
type Filter = Partial<Record<(typeof filters)[number], string>>

/**
 * Reads pages of the audit trail. A read throws `Refused`, or an `Error` if a repeat may succeed.
 * Its query takes precedence over the filter.
 */
export function pageReader(
  io: Io,
  options: Filter & { url?: string; clientId?: string },
): ReadPage {
  const origin = urlOf(io, options)
  const headers = { Authorization: basicAuthorization(credentialsOf(io, options)) }
  const filter = Object.fromEntries(
    filters.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
  return async (query) => {
    const url = new URL('/api/v1/audit/events', origin)
    url.search = new URLSearchParams({ ...filter, ...query }).toString()
    const { status, date, text } = await requestWithin(
      requestTimeoutMs,
      url,
      { headers },
      async (answer) => ({
        status: answer.status,
        date: answer.headers.get('date') ?? '',
        text: await textOf(answer),
      }),
    ).catch((cause: unknown) => {
      throw new Error(`no answer from ${origin}`, { cause })
    })
    const refusal = refusals[status]
    if (refusal !== undefined) throw new Refused(`the service answered ${status}: ${refusal}`)
    if (status !== 200) throw new Error(`the service answered ${status}`)
    const page = JSON.parse(text) as components['schemas']['AuditPage']
    return { ...page, readAtMs: Date.parse(date) || Date.now() }
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
