import { Readable } from 'node:stream'
import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import type { Position } from '../feed/event.js'
import { encodeSnapshot } from '../feed/snapshot.js'
import { requireReadable } from '../feed/version.js'
import type { LiveSet } from '../revocation/live-set.js'
import { createPlaces } from '../runtime/places.js'
import { forClients, type Operation, type Run } from './operation.js'

type Parts = { clients: Clients; liveSet: LiveSet; position: () => Position | undefined }

/** Snapshots sent at once. The limit per client keeps one client from taking every place. */
const limits = { ofOne: 4, inAll: 32 }
/** At this rate a million revocations (25 MB) take 98 s. */
const leastBytesPerS = 256_000

/** The whole live set, streamed, and the position up to which it is complete. */
export const getSnapshot = ({ clients, liveSet, position }: Parts): Operation<'getSnapshot'> => {
  const places = createPlaces(limits)
  const run: Run<'getSnapshot'> = async ({ query }, client) => {
    requireReadable(query?.version)
    const at = position()
    if (at === undefined) throw new ServiceError('feed_unavailable', { reason: 'feed' })
    const leave = places.take(client.id)
    if (leave === undefined)
      throw new ServiceError('too_many_requests', {
        reason: 'feed_limit',
        headers: { 'Retry-After': '1' },
      })
    const body = Readable.from(encodeSnapshot(liveSet, at, query?.version), { objectMode: false })
    body.once('close', leave)
    return {
      status: 200,
      body,
      leastBytesPerS,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Cache-Control': 'no-store, no-transform',
      },
    }
  }
  return forClients({ clients, permission: 'feed', run })
}
