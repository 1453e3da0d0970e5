import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Client } from '../access/client.js'
import { createClients, type Clients } from '../access/clients.js'
import { createAddressLimiter } from '../access/rate-limits.js'
import { ServiceError, tooLong } from '../errors.js'
import { GuardError } from '../guard/error.js'
import type { Guard } from '../guard/types.js'
import { failureAnswer } from '../http/failures.js'
import { formType, parseForm } from '../http/form.js'
import { introspectionOf } from '../operations/introspect.js'
import type { Claims, Naming } from '../token/verification.js'
import type { AgentAnswer } from './answer.js'

export type Introspect = (request: IncomingMessage) => Promise<AgentAnswer>

type Parts = Readonly<{
  guard: Pick<Guard, 'check'>
  name: Naming
  /** Empty: any client may ask. */
  clients: readonly Client[]
  log: Pick<Logger, 'warn'>
}>

const largestFormBytes = 64 * 1024
/** Failed authentications allowed for one address: the default of the service. */
const failureLimit = { requests: 300, windowS: 60 }

/** RFC 7662, answered by the guard. */
export function createIntrospection({ guard, name, clients, log }: Parts): Introspect {
  const known = clients.length === 0 ? undefined : openClients(clients, log)
  return async (request) => {
    const authorization = request.headersDistinct['authorization'] ?? []
    try {
      const form = await readForm(request)
      const client = await known?.authenticate(
        { authorization, requester: requesterOf(request), form },
        'introspect',
      )
      const { token } = form
      if (token === undefined) throw new ServiceError('bad_request', { reason: 'body' })
      const claims = await activeClaims(guard, token)
      const named = claims && name(claims)
      return { status: 200, body: introspectionOf(named, client) }
    } catch (error) {
      const { status, headers, body } = failureAnswer(error, {
        operation: { outcomeUnknown: 'store_unavailable' },
        form: 'oauth',
        authorization,
      })
      return { status, headers: { ...headers, Connection: 'close' }, body: body as object }
    }
  }
}

const openClients = (clients: readonly Client[], log: Parts['log']): Clients =>
  createClients({
    clients: () => clients,
    failureLimiter: createAddressLimiter(failureLimit, () => undefined),
    audit: {
      record: async ({ client, reason }) => log.warn({ client, reason }, 'a client was refused'),
    },
  })

const requesterOf = ({ socket }: IncomingMessage) => ({
  requestId: randomUUID(),
  address: socket.remoteAddress ?? '',
  userAgent: undefined,
})

/** @throws ServiceError `unsupported_media_type`, `body_too_large`, `bad_request` */
async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1)
  const isEncoded = request.headers['content-encoding'] !== undefined
  if (isEncoded || type.trim().toLowerCase() !== formType)
    throw new ServiceError('unsupported_media_type', { reason: 'body' })
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > largestFormBytes) throw new ServiceError('body_too_large', { reason: 'body' })
    pieces.push(piece)
  }
  return parseForm(Buffer.concat(pieces).toString('utf8'))
}

/** @throws ServiceError `store_unavailable` when the answer is unknown, `bad_request` for a token that is too long */
async function activeClaims(
  guard: Pick<Guard, 'check'>,
  token: string,
): Promise<Claims | undefined> {
  try {
    return await guard.check(`Bearer ${token}`)
  } catch (error) {
    if (error instanceof GuardError && error.reason === 'too_long') throw tooLong('bad_request')
    if (error instanceof GuardError && error.status === 401) return undefined
    throw new ServiceError('store_unavailable', { cause: error, reason: 'feed' })
  }
}
