import type { Audit } from '../audit/audit.js'
import { commitOf } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import { logoutSignalOf, verifyLogoutToken } from '../signals/back-channel-logout.js'
import type { Verification } from '../token/verification.js'
import { withTraits, type Operation } from './operation.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  now: () => number
}

/** Receives logout tokens (OpenID Connect Back-Channel Logout 1.0). */
export const backchannelLogout = ({
  verification,
  revocations,
  audit,
  now,
}: Parts): Operation<'backchannelLogout'> =>
  withTraits<'backchannelLogout'>({ limitedByAddress: true }, async ({ body, requester }) => {
    const done = { status: 200, body: undefined } as const
    const token = await verifyLogoutToken(verification, body.logout_token, requester.address)
    const { entries, sessionKeysToDelete } = logoutSignalOf(token, revocations, now())
    if (await revocations.holds(entries)) return done
    const event = {
      event: 'authn_token_revoked',
      reason: 'backchannel_logout',
      requester,
      token,
    } as const
    const auditEvent = audit.revocationEvent(event, entries)
    const commit = commitOf(entries, { auditEvent, sessionKeysToDelete })
    await audit.auditRevocation(event, revocations.record(commit))
    return done
  })
