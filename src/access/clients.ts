import { createHash, timingSafeEqual } from 'node:crypto'
import type { Requester, Audit, AuditEvent } from '../audit/audit.js'
import { ServiceError } from '../errors.js'
import { rateLimitHeaders, type Limiter } from './rate-limits.js'

export const permissions = ['introspect', 'revoke', 'feed', 'audit'] as const
export type Permission = (typeof permissions)[number]

/** A machine that may ask or revoke. */
export type Client = Readonly<{
  id: string
  /** SHA-256 of each secret that is valid now; several allow rotation. */
  secretHashes: readonly Buffer[]
  allow: readonly Permission[]
  /** The `aud` values it may ask about; absent: all. */
  audiences?: readonly string[]
}>

export type Clients = {
  /**
   * The client that a request proves, by HTTP Basic or by the form (RFC 6749 §2.3.1). Its failures are limited by address, its
   * successes are not: nobody can lock a client out.
   *
   * @throws ServiceError `invalid_client`, `not_permitted`, `too_many_requests`; `bad_request` when it proves itself twice
   */
  authenticate(
    request: {
      authorization: readonly string[]
      requester: Requester
      form?: Readonly<Record<string, unknown>>
    },
    permission: Permission,
  ): Promise<Client>
  /** Records that a client may not do this, and throws `not_permitted`. */
  refuse(
    client: Client,
    requester: Requester,
    reason: 'permission' | 'other_audience',
    token?: AuditEvent['token'],
  ): Promise<never>
}

export function createClients(parts: {
  clients: () => readonly Client[]
  failureLimiter: Limiter | undefined
  audit: Audit
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
      const given = credentials(authorization, form)
      const client = given && prove(clients(), given)
      if (client === undefined) {
        const verdict = await failureLimiter?.consume(requester.address)
        if (failureLimiter !== undefined && verdict !== undefined && !verdict.allowed) {
          throw new ServiceError('too_many_requests', {
            reason: 'address_limit',
            headers: rateLimitHeaders(failureLimiter, verdict),
          })
        }
        throw new ServiceError('invalid_client', { reason: 'client' })
      }
      return client.allow.includes(permission) ? client : refuse(client, requester, 'permission')
    },
    refuse,
  }
}

/** Whether a client may ask about a token with this `aud` (RFC 7519 §4.1.3). */
export function mayAskAbout(client: Client, aud: unknown): boolean {
  if (client.audiences === undefined) return true
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return client.audiences.some((audience) => audiences.includes(audience))
}

type Credentials = { id: string; secret: string }

function credentials(
  authorization: readonly string[],
  form: Readonly<Record<string, unknown>> = {},
): Credentials | undefined {
  const { client_id: id, client_secret: secret } = form
  const posted = typeof id === 'string' && typeof secret === 'string' ? { id, secret } : undefined
  if (authorization.length === 0) return posted
  if (posted !== undefined || authorization.length > 1)
    throw new ServiceError('bad_request', { reason: 'two_credentials' })
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization[0] ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : formDecoded(text.slice(0, colon), text.slice(colon + 1))
}

function formDecoded(...texts: [string, string]): Credentials | undefined {
  try {
    const [id, secret] = texts.map((text) => decodeURIComponent(text.replaceAll('+', ' ')))
    return id === undefined || secret === undefined ? undefined : { id, secret }
  } catch {
    // A stray percent sign: no client was ever given such a secret.
    return undefined
  }
}

const nobody: readonly Buffer[] = [Buffer.alloc(32)]

// An unknown id costs as much as a wrong secret.
function prove(clients: readonly Client[], { id, secret }: Credentials): Client | undefined {
  const client = clients.find((candidate) => candidate.id === id)
  const hash = createHash('sha256').update(secret, 'utf8').digest()
  const matches = (client?.secretHashes ?? nobody).map((known) => timingSafeEqual(known, hash))
  return matches.includes(true) ? client : undefined
}
