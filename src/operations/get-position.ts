import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { positionOf, type FeedEvent } from '../feed/event.js'
import { requireReadable } from '../feed/version.js'
import type { Operation } from './operation.js'
import { answered } from '../revocation/store-errors.js'

type Parts = { clients: Clients; readTail: () => Promise<FeedEvent | undefined>; timeoutMs: number }

/** The last event of the feed, read after the request arrived. */
export const getPosition =
  ({ clients, readTail, timeoutMs }: Parts): Operation<'getPosition'> =>
  async ({ authorization, requester, query }) => {
    await clients.authenticate({ authorization, requester }, 'feed')
    requireReadable(query?.version)
    const tail = await answered('store', timeoutMs, readTail)
    if (tail === undefined) throw new ServiceError('feed_unavailable', { reason: 'feed' })
    return { status: 200, body: { position: positionOf(tail) } }
  }
