import { enforceAddressLimit, type AddressLimiter } from '../access/rate-limits.js'
import type { Audit } from '../audit/audit.js'
import type { Requester } from '../audit/event.js'
import { ServiceError, type Reason } from '../errors.js'
import { commitOf } from '../revocation/commit.js'
import type { Revocations } from '../revocation/revocations.js'
import {
  logoutSignalOf,
  verifyLogoutToken,
  type LogoutSignal,
} from '../signals/back-channel-logout.js'
import type { Replays } from '../signals/replays.js'
import type { Verification } from '../token/verification.js'
import { withTraits, type Operation } from './operation.js'

type Parts = Readonly<{
  verification: Verification
  revocations: Revocations
  audit: Audit
  replays: Replays
  /**
   * Counts refused and repeated logout tokens. Others are not counted: every logout at a provider
   * comes from one address.
   */
  failureLimiter: AddressLimiter | undefined
  onRefused: (jwt: string, reason: Reason) => void
  now: () => number
}>

/** Receives logout tokens (OpenID Connect Back-Channel Logout 1.0). */
export const backchannelLogout = (parts: Parts): Operation<'backchannelLogout'> => {
  const { revocations, audit, replays, failureLimiter } = parts
  return withTraits<'backchannelLogout'>({}, async ({ body, requester }) => {
    const { token, entries, sessionKeysToDelete } = await signalOf(
      body.logout_token,
      requester,
      parts,
    )
    // A provider whose request was cut off repeats it, and its user is logged out (§2.7): 200.
    // Without a `jti` the token itself is its name.
    const name = token.keys.j ?? token.keys.t
    if (replays.isReplay(name)) await enforceAddressLimit(failureLimiter, requester.address)
    if (!(await revocations.holds(entries))) {
      const event = {
        event: 'authn_token_revoked',
        reason: 'backchannel_logout',
        requester,
        token,
      } as const
      const auditEvent = audit.revocationEvent(event, entries)
      const commit = commitOf(entries, { auditEvent, sessionKeysToDelete })
      await audit.auditRevocation(event, revocations.record(commit))
    }
    replays.remember(name)
    return { status: 200, body: undefined }
  })
}

async function signalOf(jwt: string, { address }: Requester, parts: Parts): Promise<LogoutSignal> {
  const { verification, revocations, failureLimiter, onRefused, now } = parts
  try {
    const token = await verifyLogoutToken(verification, jwt, address)
    return logoutSignalOf(token, revocations, now())
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'bad_request') {
      if (error.reason !== undefined) onRefused(jwt, error.reason)
      await enforceAddressLimit(failureLimiter, address)
    }
    throw error
  }
}
