import type { Audit } from '../audit/audit.js'
import { ServiceError } from '../errors.js'
import type { Revocations } from '../revocation/revocations.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Entry } from '../revocation/entry.js'
import { isLogoutToken } from '../token/logout-token.js'
import type { Issuer, Verification, VerifiedToken } from '../token/verification.js'
import { withTraits, type Operation } from './operation.js'
import { limitedAddress } from '../runtime/ip-addresses.js'

type Parts = {
  verification: Verification
  revocations: Revocations
  audit: Audit
  now: () => number
}

/** OpenID Connect Back-Channel Logout 1.0, the side that receives. */
export const backchannelLogout = ({
  verification,
  revocations,
  audit,
  now,
}: Parts): Operation<'backchannelLogout'> =>
  withTraits<'backchannelLogout'>({ limitedByAddress: true }, async ({ body, requester }) => {
    const token = await verifyLogoutToken(
      verification,
      body.logout_token,
      limitedAddress(requester.address),
    )
    const entries = entriesOf(token, revocations)
    const { sub, sid } = endedClaims(token)
    // Of a token older than every session there is nothing left to end.
    const isCurrent = entries.every(({ untilMs }) => untilMs === null || untilMs > now())
    // What it names and cannot be a key would live on behind a 200.
    const isNamed =
      (sid === undefined || token.keys.s !== undefined) &&
      (sub === undefined || token.keys.u !== undefined)
    if (entries.length === 0 || !isCurrent || !isNamed)
      throw new ServiceError('bad_request', { reason: 'logout_token' })
    if (await revocations.holds(entries)) return { status: 200, body: undefined }
    const claims = endedClaims(token)
    await audit.attempt(
      { event: 'authn_token_revoked', reason: 'backchannel_logout', requester, token },
      async (witness) =>
        revocations.record(entries, witness, sessionKeysOf([{ issuer: token.issuer, claims }])),
    )
    return { status: 200, body: undefined }
  })

async function verifyLogoutToken(
  verification: Verification,
  jwt: string,
  waiter: string,
): Promise<VerifiedToken> {
  try {
    const token = await verification.verify(jwt, waiter)
    if (token.timing === 'current' && isLogoutToken(token.claims)) return token
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'invalid_token')) throw error
  }
  throw new ServiceError('bad_request', { reason: 'logout_token' })
}

// A template may name what the logout token is about, and nothing else; its `jti` is its own.
function endedClaims({ claims: { iss, sub, sid }, issuer: { backchannelScope } }: VerifiedToken) {
  return {
    ...(iss !== undefined && { iss }),
    ...(sub !== undefined && backchannelScope !== 'session' && { sub }),
    ...(sid !== undefined && backchannelScope !== 'subject' && { sid }),
  }
}

// All from the logout token's own `iat`: a replay changes nothing.
function entriesOf({ claims, keys, issuer }: VerifiedToken, revocations: Revocations): Entry[] {
  const iat = claims.iat ?? 0
  const untilMs = revocations.keptUntilMs({
    lifetimeS: issuer.sessionMaxLifetimeS,
    fromMs: Math.ceil(iat * 1000),
  })
  const scope: Issuer['backchannelScope'] = issuer.backchannelScope
  return [
    ...(keys.s !== undefined && scope !== 'subject' ? [{ key: keys.s, untilMs }] : []),
    ...(keys.u !== undefined && scope !== 'session'
      ? [{ key: keys.u, untilMs, cutoff: Math.ceil(iat) }]
      : []),
  ]
}
