import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import type { Subscribers } from '../feed/subscribers.js'
import { requireReadable } from '../feed/version.js'
import type { Operation } from './operation.js'

/** Server-Sent Events from a position on. */
export const followEvents =
  ({
    clients,
    subscribers,
  }: {
    clients: Clients
    subscribers: Subscribers
  }): Operation<'followEvents'> =>
  async ({ authorization, requester, query, lastEventId }) => {
    await clients.authenticate({ authorization, requester }, 'feed')
    requireReadable(query?.version)
    // `Last-Event-ID` counts more: an EventSource that reconnects sends its newest position there,
    // and the position it began with in the address.
    const from = lastEventId ?? query?.from
    if (from === undefined) throw new ServiceError('bad_request', { reason: 'body' })
    return {
      status: 200,
      body: await subscribers.open(from),
      headers: {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store, no-transform',
        'X-Accel-Buffering': 'no',
      },
    }
  }
