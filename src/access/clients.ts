import { createHash, timingSafeEqual } from 'node:crypto'
import type { Audit } from '../audit/audit.js'
import type { AuditEvent, Requester } from '../audit/event.js'
import { ServiceError } from '../errors.js'
import { clientCredentials, type Credentials } from './authorization/basic.js'
import { enforceAddressLimit, type AddressLimiter } from './rate-limits.js'

export const permissions = ['introspect', 'revoke', 'feed', 'audit', 'erase'] as const
export type Permission = (typeof permissions)[number]

/** A machine client. */
export type Client = Readonly<{
  id: string
  /** SHA-256 of each valid secret. Several allow rotation. */
  secretHashes: readonly Buffer[]
  allow: readonly Permission[]
  /** The `aud` values of tokens that the client may ask about or revoke; absent: all. */
  audiences?: readonly string[]
  /** Further claims that introspection tells the client. */
  claims?: readonly string[]
}>

export type Clients = {
  /**
   * The client whose credentials a request presents. Only failures are limited by address, so that
   * no other party can lock a client out.
   *
   * @throws ServiceError `invalid_client`, `not_permitted`, `too_many_requests`; `bad_request`
   *   when the request presents credentials twice
   */
  authenticate(
    request: {
      authorization: readonly string[]
      requester: Requester
      form?: Readonly<Record<string, unknown>>
    },
    permission: Permission,
  ): Promise<Client>
  /** Records that the client is refused, and throws `not_permitted`. */
  refuse(
    client: Client,
    requester: Requester,
    reason: 'permission' | 'other_audience',
    token?: AuditEvent['token'],
  ): Promise<never>
}

export function createClients(parts: {
  clients: () => readonly Client[]
  failureLimiter: AddressLimiter | undefined
  audit: Pick<Audit, 'record'>
}): Clients {
  const { clients, failureLimiter, audit } = parts
  const refuse: Clients['refuse'] = async (client, requester, reason, token) => {
    await audit.record({
      event: 'authz_fail',
      outcome: 'refused',
      reason,
      requester,
      client: client.id,
      ...(token && { token }),
    })
    throw new ServiceError('not_permitted', { reason })
  }
  return {
    async authenticate({ authorization, requester, form }, permission) {
      const credentials = clientCredentials(authorization, form)
      const client = credentials && findClient(clients(), credentials)
      if (client === undefined) {
        await enforceAddressLimit(failureLimiter, requester.address)
        throw new ServiceError('invalid_client', { reason: 'client' })
      }
      return client.allow.includes(permission) ? client : refuse(client, requester, 'permission')
    },
    refuse,
  }
}

/** Whether a client may ask about or revoke a token with this `aud` (RFC 7519 §4.1.3). */
export function mayAskAbout(client: Client, aud: unknown): boolean {
  if (client.audiences === undefined) return true
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return client.audiences.some((audience) => audiences.includes(audience))
}

/** A hash that no secret has, so that refusing an unknown id takes as long as a wrong secret. */
const hashesOfUnknown: readonly Buffer[] = [Buffer.alloc(32)]

function findClient(clients: readonly Client[], { id, secret }: Credentials): Client | undefined {
  const client = clients.find((candidate) => candidate.id === id)
  const hash = createHash('sha256').update(secret, 'utf8').digest()
  const matches = (client?.secretHashes ?? hashesOfUnknown).map((valid) =>
    timingSafeEqual(valid, hash),
  )
  return matches.includes(true) ? client : undefined
}
