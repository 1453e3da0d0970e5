import type { Clients } from '../access/clients.js'
import { ServiceError } from '../errors.js'
import { streamIdOf } from '../feed/event.js'
import type { Subscribers } from '../feed/subscribers.js'
import { requireReadable } from '../feed/version.js'
import { forClients, type Operation, type Request, type Run } from './operation.js'

type Parts = { clients: Clients; subscribers: Subscribers }

/** The feed as Server-Sent Events, from a position on. */
export const followEvents = ({ clients, subscribers }: Parts): Operation<'followEvents'> => {
  const run: Run<'followEvents'> = async (request) => {
    requireReadable(request.query?.version)
    return {
      status: 200,
      body: await subscribers.open(startOf(request)),
      headers: {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store, no-transform',
        'X-Accel-Buffering': 'no',
      },
    }
  }
  return forClients({ clients, permission: 'feed', run })
}

/**
 * `Last-Event-ID` takes precedence: an EventSource that reconnects sends its newest position there,
 * and its first position in `from`.
 */
function startOf({ query, lastEventId }: Request<'followEvents'>): string {
  const from = lastEventId ?? query?.from
  if (from === undefined) throw badStart('query.from', 'is needed, unless there is a Last-Event-ID')
  if (streamIdOf(from) !== undefined) return from
  const path = lastEventId === undefined ? 'query.from' : 'header.Last-Event-ID'
  throw badStart(path, 'must be a position, such as 1795228156000-0.genesis')
}

const badStart = (path: string, rule: string) =>
  new ServiceError('bad_request', { reason: 'invalid_member', details: [{ path, rule }] })
