import type { Requester, Audit } from '../audit/audit.js'
import { bearerToken, proofChallenge } from '../token/bearer.js'
import { ServiceError } from '../errors.js'
import type { Admit } from '../access/rate-limits.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import { isSenderConstrained } from '../token/confirmation.js'
import { isOfSameHolder, type Verification, type VerifiedToken } from '../token/verification.js'
import { withTraits, type Operation } from './operation.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  admit: Admit
  /** The answer headers by which a browser clears what it kept, over HTTPS and over HTTP. */
  clearingHeaders: Readonly<Record<'https' | 'http', Readonly<Record<string, string | string[]>>>>
}

/** Revokes the presented tokens. The revocation is written last: what fails before it leaves the token usable for the repeat. */
export function logout(parts: Parts): Operation<'logout'> {
  const { verification, revocations, audit, admit, clearingHeaders } = parts
  const traits = { limitedByAddress: true, unreadableBody: 'invalid_token' } as const
  return withTraits<'logout'>(traits, async ({ body, authorization, requester, secure }) => {
    const scope = body.scope ?? 'local'
    // Possession is enough to end one's own token, also one that is bound to a key.
    const bearer = bearerToken(authorization, { dpop: true })
    const waiter = limitedAddress(requester.address)
    const caller = await verification.verify(bearer, waiter)
    const reason = scope === 'global' ? 'logout_everywhere' : 'logout'
    let limits: Record<string, string> = {}
    await audit.attempt(
      { event: 'authn_token_revoked', reason, requester, token: caller },
      async (witness) => {
        const tokens: Tokens =
          body.token === bearer
            ? [caller]
            : [caller, await verifyOther(verification, caller, body.token, waiter)]
        if (tokens.some(({ timing }) => timing !== 'current'))
          await refuseUntimely(tokens, revocations, audit, requester)
        if (scope === 'global' && isSenderConstrained(caller.claims)) {
          throw new ServiceError('invalid_token', {
            reason: 'sender_constrained',
            headers: { 'WWW-Authenticate': proofChallenge },
          })
        }
        if (scope === 'global' && caller.keys.u === undefined)
          throw new ServiceError('bad_request', { reason: 'no_subject' })
        const sessionKeys = sessionKeysOf(tokens)
        const { committed, headers } = await admit(caller.keys.u ?? caller.keys.t, (window) =>
          revocations.revokeOnce({ tokens, scope, witness, sessionKeys, window }),
        )
        if (committed === undefined)
          throw new ServiceError('too_many_requests', { reason: 'subject_limit', headers })
        if (committed.became === 'already_revoked')
          throw new ServiceError('invalid_token', { reason: 'revoked' })
        limits = headers
        return committed.keys
      },
    )
    return {
      status: 200,
      body: { success: true, message: 'Sesión cerrada exitosamente' },
      headers: Object.assign(limits, secure ? clearingHeaders.https : clearingHeaders.http),
    }
  })
}

type Tokens = readonly [VerifiedToken, ...VerifiedToken[]]

/** The body's token, where it is not written like the bearer's. */
async function verifyOther(
  verification: Verification,
  caller: VerifiedToken,
  named: string,
  waiter: string,
): Promise<VerifiedToken> {
  const other = await verification.verify(named, waiter)
  if (!isOfSameHolder(caller, other))
    throw new ServiceError('invalid_token', { reason: 'other_subject' })
  return other
}

/**
 * Another API may grant leeway, or accept a token later that is not valid yet: such tokens are stored before the refusal. Only a caller whose
 * tokens have merely expired is told so.
 */
async function refuseUntimely(
  tokens: Tokens,
  revocations: Revocations,
  audit: Audit,
  requester: Requester,
): Promise<never> {
  const keys = await revocations.revokeUntimely(tokens)
  const isAhead = tokens.some(({ timing }) => timing === 'ahead')
  const [event, reason] = isAhead
    ? (['authz_fail', 'not_yet_valid'] as const)
    : (['session_use_after_expire', 'expired'] as const)
  await audit.record({ event, outcome: 'refused', reason, requester, token: tokens[0], keys })
  throw new ServiceError(isAhead ? 'invalid_token' : 'token_expired', { reason })
}
