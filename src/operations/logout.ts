import type { Asker, Audit } from '../audit.js'
import { bearerToken } from '../bearer.js'
import { clearingHeaders, type ExpiredCookie } from '../browser.js'
import { ServiceError } from '../errors.js'
import type { Admit } from '../limits.js'
import type { Revocations } from '../revocations.js'
import { sessionKeysOf } from '../sessions.js'
import { isOfSameHolder, type Verification, type VerifiedToken } from '../token/verification.js'
import type { Operation } from './operation.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  admit: Admit
  browser: { cookies: readonly ExpiredCookie[]; clearSiteData: string }
}

/** Revokes the presented tokens. The revocation is written last: what fails before it leaves the token usable for the repeat. */
export function logout(parts: Parts): Operation<'logout'> {
  const { verification, revocations, audit, admit } = parts
  const clearing = { secure: clearingHeaders({ ...parts.browser, secure: true }), plain: clearingHeaders({ ...parts.browser, secure: false }) }
  return async ({ body, authorization, asker, secure }) => {
    const scope = body.scope ?? 'local'
    const bearer = bearerToken(authorization)
    const caller = await verification.verify(bearer)
    const reason = scope === 'global' ? 'logout_everywhere' : 'logout'
    let limits: Record<string, string> = {}
    await audit.attempt({ event: 'authn_token_revoked', reason, asker, token: caller }, async (witness) => {
      const tokens: Tokens = body.token === bearer ? [caller] : [caller, await verifyOther(verification, caller, body.token)]
      if (tokens.some(({ expired }) => expired)) await refuseExpired(tokens, revocations, audit, asker)
      if (scope === 'global' && caller.keys.u === undefined) throw new ServiceError('bad_request', { reason: 'no_subject' })
      const sessionKeys = sessionKeysOf(tokens)
      const { committed, headers } = await admit(caller.keys.u ?? caller.keys.t, (window) =>
        revocations.revokeOnce({ tokens, scope, witness, sessionKeys, window }))
      if (committed === undefined) throw new ServiceError('too_many_requests', { reason: 'subject_limit', headers })
      if (committed.became === 'revoked') throw new ServiceError('invalid_token', { reason: 'revoked' })
      limits = headers
      return committed.keys
    })
    return {
      status: 200,
      body: { success: true, message: 'Sesión cerrada exitosamente' },
      headers: Object.assign(limits, secure ? clearing.secure : clearing.plain),
    }
  }
}

type Tokens = readonly [VerifiedToken, ...VerifiedToken[]]

/** The body's token, where it is not written like the bearer's. */
async function verifyOther(verification: Verification, caller: VerifiedToken, named: string): Promise<VerifiedToken> {
  const other = await verification.verify(named)
  if (!isOfSameHolder(caller, other)) throw new ServiceError('invalid_token', { reason: 'other_subject' })
  return other
}

// Another API may grant leeway and accept the token a little longer, so it is stored before the refusal.
async function refuseExpired(tokens: Tokens, revocations: Revocations, audit: Audit, asker: Asker): Promise<never> {
  const keys = await revocations.revokeExpired(tokens)
  await audit.record({ event: 'session_use_after_expire', outcome: 'refused', reason: 'expired', asker, token: tokens[0], keys })
  throw new ServiceError('token_expired')
}
