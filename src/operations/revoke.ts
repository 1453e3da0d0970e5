import type { Audit } from '../audit/audit.js'
import { mayAskAbout, type Clients } from '../access/clients.js'
import { isUnsupported, ServiceError } from '../errors.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Verification } from '../token/verification.js'
import type { Operation } from './operation.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

type Parts = {
  clients: Clients
  verification: Verification
  revocations: Revocations
  audit: Audit
}

/**
 * RFC 7009: an invalid token is of no use already, so it is a success (§2.2). A token that may be good elsewhere, and cannot be ended here, is
 * not: that would call a living token dead.
 */
export const revoke =
  ({ clients, verification, revocations, audit }: Parts): Operation<'revoke'> =>
  async ({ authorization, requester, body }) => {
    const client = await clients.authenticate({ authorization, requester, form: body }, 'revoke')
    const done = { status: 200, body: undefined } as const
    const token = await verification
      .verify(body.token, limitedAddress(requester.address))
      .catch(unusable)
    if (token === undefined) return done
    if (!mayAskAbout(client, token.claims.aud))
      return clients.refuse(client, requester, 'other_audience', token)
    await audit.attempt(
      {
        event: 'authn_token_revoked',
        reason: 'oauth_revocation',
        requester,
        token,
        client: client.id,
      },
      async (witness) =>
        token.timing !== 'current'
          ? revocations.revokeUntimely([token], witness)
          : revocations.revoke([token], 'local', witness, sessionKeysOf([token])),
    )
    return done
  }

function unusable(error: unknown): undefined {
  if (error instanceof ServiceError && isUnsupported(error.reason))
    throw new ServiceError('unsupported_token_type', { reason: error.reason })
  return invalid(error)
}

export function invalid(error: unknown): undefined {
  if (error instanceof ServiceError && error.code === 'invalid_token') return undefined
  throw error
}
