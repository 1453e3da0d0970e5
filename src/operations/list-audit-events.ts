import type { StoredEvent } from '../audit/event.js'
import type { Clients } from '../access/clients.js'
import { createTurns } from '../runtime/turns.js'
import { forClients, type Operation, type Request, type Run } from './operation.js'
import { answered } from '../revocation/store-errors.js'
import type { AuditTrail } from '../audit/trail.js'

type Parts = { clients: Clients; trail: AuditTrail; timeoutMs: number }

/** Limits of one request, so that the search for a rare event does not block the store. */
const batchEvents = 500
const mostBatches = 10
/** Limits memory: a page of a thousand events takes 2 MB to make, of which 0.4 MB are sent. */
const mostPagesAtOnce = 2
/** Events are in the order of the store's clock; their `time` is by the clock of an instance. */
const mostClockErrorMs = 86_400_000

/**
 * Pages of events, newest first. A page ends when it is full, at the end of the trail, or after
 * `mostBatches` batches.
 */
export const listAuditEvents = ({
  clients,
  trail,
  timeoutMs,
}: Parts): Operation<'listAuditEvents'> => {
  const inTurn = createTurns(mostPagesAtOnce)
  const run: Run<'listAuditEvents'> = async ({ requester, query }, client) => {
    if (client.audiences !== undefined) return clients.refuse(client, requester, 'other_audience')
    const matches = filterOf(query)
    // The first deadline makes a slow page give its turn back; the second includes the wait.
    const page = () => answered('store', timeoutMs, () => readPage(trail, query, matches))
    return { status: 200, body: await answered('store', timeoutMs, () => inTurn(page, timeoutMs)) }
  }
  return forClients({ clients, permission: 'audit', run })
}

type Query = Request<'listAuditEvents'>['query']

async function readPage(trail: AuditTrail, query: Query, matches: (event: StoredEvent) => boolean) {
  const { limit = 100 } = query ?? {}
  const oldestMs = query?.from === undefined ? -Infinity : Date.parse(query.from) - mostClockErrorMs
  const events: StoredEvent[] = []
  let cursor = query?.cursor
  for (let batch = 0; batch < mostBatches; batch += 1) {
    const found = await trail.read(cursor, batchEvents)
    for (const { id, event } of found) {
      cursor = id
      if (takenAtMs(id) < oldestMs) return { events, cursor: null }
      const stored = JSON.parse(event) as StoredEvent
      if (matches(stored)) events.push(stored)
      if (events.length === limit) return { events, cursor: id }
    }
    if (found.length < batchEvents) return { events, cursor: null }
  }
  return { events, cursor: cursor ?? null }
}

/** An id begins with the time at which the store took the event. */
const takenAtMs = (id: string) => Number(id.split('-')[0])

function filterOf(query: Query): (event: StoredEvent) => boolean {
  const { subject, key, event, client, reason, from, to } = query ?? {}
  const fromMs = from === undefined ? -Infinity : Date.parse(from)
  const toMs = to === undefined ? Infinity : Date.parse(to)
  return (stored) =>
    (subject === undefined || stored.subject === subject) &&
    (key === undefined || (stored.keys?.includes(key) ?? false)) &&
    (event === undefined || stored.event === event) &&
    (client === undefined || stored.client === client) &&
    (reason === undefined || stored.reason === reason) &&
    Date.parse(stored.time) >= fromMs &&
    Date.parse(stored.time) <= toMs
}
