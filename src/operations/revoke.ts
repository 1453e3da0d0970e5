import { mayAskAbout, type Clients } from '../access/clients.js'
import type { Audit } from '../audit/audit.js'
import type { RevocationEvent } from '../audit/event.js'
import { isTooLong, isUnsupported, ServiceError, tooLong } from '../errors.js'
import { commitOf, type StoredRevocation } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Verification, VerifiedToken } from '../token/verification.js'
import { forClients, type Operation, type Run } from './operation.js'

type Parts = {
  clients: Clients
  verification: Verification
  revocations: Revocations
  audit: Audit
}

/**
 * RFC 7009. An invalid token is of no use already, so its revocation is a success (§2.2). A token
 * that cannot be revoked here, but that another API may accept, is an error: a success would mean
 * that it is revoked.
 */
export const revoke = (parts: Parts): Operation<'revoke'> => {
  const { clients, verification, audit } = parts
  const run: Run<'revoke'> = async ({ requester, body }, client) => {
    const done = { status: 200, body: undefined } as const
    const token = await verification.verify(body.token, requester.address).catch(unusable)
    if (token === undefined) return done
    if (!mayAskAbout(client, token.named['aud']))
      return clients.refuse(client, requester, 'other_audience', token)
    const event = {
      event: 'authn_token_revoked',
      reason: 'oauth_revocation',
      requester,
      token,
      client: client.id,
    } as const
    await audit.auditRevocation(event, revokeToken(parts, token, event))
    return done
  }
  return forClients({ clients, permission: 'revoke', inForm: true, run })
}

async function revokeToken(
  { revocations, audit }: Parts,
  token: VerifiedToken,
  event: RevocationEvent,
): Promise<StoredRevocation> {
  const isCurrent = token.timing === 'current'
  const entries = isCurrent
    ? revocations.entriesOf([token], 'local')
    : await revocations.untimelyEntries([token])
  if (entries.length === 0) return { outcome: 'nothing_to_store' }
  return revocations.record(
    commitOf(entries, {
      auditEvent: audit.revocationEvent(event, entries),
      sessionKeysToDelete: isCurrent ? sessionKeysOf([token]) : [],
    }),
  )
}

function unusable(error: unknown): undefined {
  if (error instanceof ServiceError && isUnsupported(error.reason))
    throw new ServiceError('unsupported_token_type', { reason: error.reason })
  return ignoreInvalid(error)
}

const tokenTooLong = { path: 'body.token', rule: 'must not be longer than MAX_TOKEN_LENGTH' }

/**
 * Returns `undefined` for an invalid token, and throws every other error.
 *
 * @throws ServiceError `bad_request` for a token that is too long: it may be valid elsewhere
 */
export function ignoreInvalid(error: unknown): undefined {
  if (isTooLong(error)) throw tooLong('bad_request', [tokenTooLong])
  if (error instanceof ServiceError && error.code === 'invalid_token') return undefined
  throw error
}
