import { Readable } from 'node:stream'
import type { Clients } from '../clients.js'
import { ServiceError } from '../errors.js'
import type { Position } from '../feed/event.js'
import { encodeSnapshot } from '../feed/snapshot.js'
import { requireReadable } from '../feed/version.js'
import type { Replica } from '../replica.js'
import type { Operation } from './operation.js'

type Parts = { clients: Clients; replica: Replica; position: () => Position | undefined }

/** A snapshot is read as fast as its reader takes it, which may be slow: more at a time would wait for each other. */
const mostAtOnce = 4

export const getSnapshot = ({ clients, replica, position }: Parts): Operation<'getSnapshot'> => {
  let running = 0
  return async ({ authorization, asker, query }) => {
    await clients.authenticate({ authorization, asker }, 'feed')
    requireReadable(query?.version)
    const at = position()
    if (at === undefined) throw new ServiceError('feed_unavailable', { reason: 'feed' })
    if (running >= mostAtOnce) throw new ServiceError('too_many_requests', { reason: 'feed_limit', headers: { 'Retry-After': '1' } })
    running += 1
    const body = Readable.from(encodeSnapshot(replica, at), { objectMode: false })
    body.once('close', () => (running -= 1))
    return { status: 200, body, headers: { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store, no-transform' } }
  }
}
