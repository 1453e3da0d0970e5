import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { positionOf, type FeedEvent } from '../feed/event.js'
import { requireReadable } from '../feed/version.js'
import { forClients, type Operation, type Run } from './operation.js'
import { answered } from '../revocation/store-errors.js'

type Parts = { clients: Clients; readTail: () => Promise<FeedEvent | undefined>; timeoutMs: number }

/** The last event of the feed, read after the request arrived. */
export const getPosition = ({ clients, readTail, timeoutMs }: Parts): Operation<'getPosition'> => {
  const run: Run<'getPosition'> = async ({ query }) => {
    requireReadable(query?.version)
    const tail = await answered('store', timeoutMs, readTail)
    if (tail === undefined) throw new ServiceError('feed_unavailable', { reason: 'feed' })
    return { status: 200, body: { position: positionOf(tail) } }
  }
  return forClients({ clients, permission: 'feed', run })
}
