import type { Clients } from '../access/clients.js'
import type { Audit } from '../audit/audit.js'
import { namesSubject, type StoredEvent } from '../audit/event.js'
import type { AuditTrail } from '../audit/trail.js'
import { answered } from '../revocation/store-errors.js'
import { createTurns } from '../runtime/turns.js'
import { forClients, type Operation, type Run } from './operation.js'

type Parts = { clients: Clients; trail: AuditTrail; audit: Audit; timeoutMs: number }

type EventFilter = (event: StoredEvent) => boolean

/** A batch takes about 8 ms, so that other requests go on meanwhile. */
const batchEvents = 1_000
const mostBatchesAtOnce = 2

/**
 * Deletes the audit events that name a person, and leaves one without the name. The trail is read
 * to its end, newest first, so events that are written meanwhile are not reached.
 */
export const eraseSubject = ({
  clients,
  trail,
  audit,
  timeoutMs,
}: Parts): Operation<'eraseSubject'> => {
  const inTurn = createTurns(mostBatchesAtOnce)
  // The inner deadline makes a slow batch give its turn back; the outer one includes the wait.
  const eraseNext = (before: string | undefined, isUnwanted: EventFilter) =>
    answered('store', timeoutMs, () =>
      inTurn(
        () => answered('store', timeoutMs, () => eraseBatch(trail, before, isUnwanted)),
        timeoutMs,
      ),
    )
  const run: Run<'eraseSubject'> = async ({ requester, body }, client) => {
    if (client.audiences !== undefined) return clients.refuse(client, requester, 'other_audience')
    const event = {
      event: 'sensitive_delete',
      reason: 'erasure',
      requester,
      client: client.id,
    } as const
    const isUnwanted = namesSubject(body)
    let erased = 0
    try {
      let before: string | undefined
      do {
        const batch = await eraseNext(before, isUnwanted)
        erased += batch.erased
        before = batch.oldest
      } while (before !== undefined)
    } catch (error) {
      // The trail is likely to fail, too, so the client does not wait for it.
      void audit.record({ ...event, outcome: 'unknown', erased })
      throw error
    }
    await audit.record({ ...event, outcome: 'success', erased })
    return { status: 200, body: { erased } }
  }
  return forClients({ clients, permission: 'erase', run })
}

/** `oldest` is where the next batch goes on; absent at the end of the trail. */
async function eraseBatch(
  trail: AuditTrail,
  before: string | undefined,
  isUnwanted: EventFilter,
): Promise<{ erased: number; oldest: string | undefined }> {
  const found = await trail.read(before, batchEvents)
  const ids = found
    .filter(({ event }) => isUnwanted(JSON.parse(event) as StoredEvent))
    .map(({ id }) => id)
  return {
    erased: ids.length === 0 ? 0 : await trail.delete(ids),
    oldest: found.length < batchEvents ? undefined : found.at(-1)?.id,
  }
}
