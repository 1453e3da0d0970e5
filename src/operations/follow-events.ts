import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import type { Subscribers } from '../feed/subscribers.js'
import { requireReadable } from '../feed/version.js'
import type { Operation } from './operation.js'

const noPosition = {
  reason: 'invalid_member',
  details: [{ path: 'query.from', rule: 'is needed, unless there is a Last-Event-ID' }],
} as const

/** The feed as Server-Sent Events, from a position on. */
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
    // `Last-Event-ID` takes precedence: an EventSource that reconnects sends its newest position
    // there, and its first position in `from`.
    const from = lastEventId ?? query?.from
    if (from === undefined) throw new ServiceError('bad_request', noPosition)
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
