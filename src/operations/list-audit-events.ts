import type { StoredEvent } from '../audit/audit.js'
import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { createTurns } from '../runtime/turns.js'
import type { Operation, Request } from './operation.js'
import { answered } from '../revocation/store-errors.js'
import type { AuditTrail } from '../audit/trail.js'

type Parts = { clients: Clients; trail: AuditTrail; timeoutMs: number }

/** What one request may look through, so that a rare event does not hold up the store. */
const batchEvents = 500
const mostBatches = 10
/** A page of a thousand events takes 2 MB while it is made, of which 0.4 MB are sent. */
const mostPagesAtOnce = 2

/** Newest first. A page ends when it is full, when the trail ends, or when it has looked at enough. */
export const listAuditEvents = ({
  clients,
  trail,
  timeoutMs,
}: Parts): Operation<'listAuditEvents'> => {
  const inTurn = createTurns(mostPagesAtOnce)
  return async ({ authorization, requester, query }) => {
    const client = await clients.authenticate({ authorization, requester }, 'audit')
    if (client.audiences !== undefined) return clients.refuse(client, requester, 'other_audience')
    const matches = filterOf(query)
    // A page whose store does not answer gives its turn back in time; and no request waits longer for its turn.
    const page = () => answered('store', timeoutMs, () => readPage(trail, query, matches))
    return { status: 200, body: await answered('store', timeoutMs, () => inTurn(page)) }
  }
}

type Query = Request<'listAuditEvents'>['query']

async function readPage(trail: AuditTrail, query: Query, matches: (event: StoredEvent) => boolean) {
  const { limit = 100 } = query ?? {}
  const events: StoredEvent[] = []
  let cursor = query?.cursor
  for (let batch = 0; batch < mostBatches; batch += 1) {
    const found = await trail.read(cursor, batchEvents)
    for (const { id, event } of found) {
      cursor = id
      const stored = JSON.parse(event) as StoredEvent
      if (matches(stored)) events.push(stored)
      if (events.length === limit) return { events, cursor: id }
    }
    if (found.length < batchEvents) return { events, cursor: null }
  }
  return { events, cursor: cursor ?? null }
}

function filterOf(query: Query): (event: StoredEvent) => boolean {
  const { subject, key, event, from, to } = query ?? {}
  const fromMs = from === undefined ? -Infinity : Date.parse(from)
  const toMs = to === undefined ? Infinity : Date.parse(to)
  // A leap second or an offset of a day passes for a time in the contract.
  if (Number.isNaN(fromMs) || Number.isNaN(toMs))
    throw new ServiceError('bad_request', { reason: 'body' })
  return (stored) =>
    (subject === undefined || stored.subject === subject) &&
    (key === undefined || (stored.keys?.includes(key) ?? false)) &&
    (event === undefined || stored.event === event) &&
    Date.parse(stored.time) >= fromMs &&
    Date.parse(stored.time) <= toMs
}
