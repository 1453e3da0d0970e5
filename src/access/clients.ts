import { createHash, timingSafeEqual } from 'node:crypto'
import type { Audit } from '../audit/audit.js'
import type { AuditEvent, Requester } from '../audit/event.js'
import { ServiceError } from '../errors.js'
import type { Secret } from './authorization/basic.js'
import { clientCredentials, type Credentials } from './authorization/client-credentials.js'
import type { Client, Permission } from './client.js'
import type { ClientAssertions, Identified } from './client-assertions.js'
import { enforceAddressLimit, type AddressLimiter } from './rate-limits.js'

/** Permissions for what cannot be undone. Each such request needs an assertion of its own. */
const irrevocable: readonly Permission[] = ['revoke', 'erase']

export type Clients = {
  /**
   * The client whose credentials a request presents. Only failures are limited by address, so that
   * no other party can lock a client out.
   *
   * @throws ServiceError `invalid_client`, `not_permitted`, `too_many_requests`; `bad_request`
   *   when the request presents credentials twice; `keys_unavailable` or `store_unavailable` when it
   *   is unknown whether an assertion is in order
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

type Parts = Readonly<{
  clients: () => readonly Client[]
  /** Absent: clients authenticate by secrets alone. */
  assertions?: ClientAssertions
  failureLimiter: AddressLimiter | undefined
  audit: Pick<Audit, 'record'>
}>

export function createClients(parts: Parts): Clients {
  const { assertions, failureLimiter, audit } = parts
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
      const limited = async (error: unknown): Promise<never> => {
        if (error instanceof ServiceError && error.code === 'invalid_client')
          await enforceAddressLimit(failureLimiter, requester.address)
        throw error
      }
      const credentials = clientCredentials(authorization, form)
      const { client, assertion } = await identify(parts, credentials).catch(limited)
      if (!client.allow.includes(permission)) return refuse(client, requester, 'permission')
      if (assertion !== undefined)
        await assertions?.use(assertion, irrevocable.includes(permission)).catch(limited)
      return client
    },
    refuse,
  }
}

/** @throws ServiceError `invalid_client` */
async function identify(
  { clients, assertions }: Parts,
  credentials: Credentials | undefined,
): Promise<Identified> {
  if (credentials !== undefined && 'assertion' in credentials && assertions !== undefined)
    return assertions.authenticate(credentials, clients())
  const client =
    credentials !== undefined && 'secret' in credentials
      ? findClient(clients(), credentials)
      : undefined
  if (client === undefined) throw new ServiceError('invalid_client', { reason: 'client' })
  return { client }
}

/** Whether a client may ask about or revoke a token with this `aud` (RFC 7519 §4.1.3). */
export function mayAskAbout(client: Client, aud: unknown): boolean {
  if (client.audiences === undefined) return true
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return client.audiences.some((audience) => audiences.includes(audience))
}

/** A hash that no secret has, so that refusing an unknown id takes as long as a wrong secret. */
const hashesOfUnknown: readonly Buffer[] = [Buffer.alloc(32)]

function findClient(clients: readonly Client[], { id, secret }: Secret): Client | undefined {
  const client = clients.find((candidate) => candidate.id === id)
  const hash = createHash('sha256').update(secret, 'utf8').digest()
  const matches = secretHashesOf(client).map((valid) => timingSafeEqual(valid, hash))
  return matches.includes(true) ? client : undefined
}

const secretHashesOf = (client: Client | undefined) =>
  client !== undefined && 'secretHashes' in client.authentication
    ? client.authentication.secretHashes
    : hashesOfUnknown
