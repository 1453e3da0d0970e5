import { ServiceError, type Cause } from '../errors.js'
import { entryWith, type Entry } from '../revocation/entry.js'
import type { TokenEntries } from '../revocation/token-entries.js'
import { claimKey } from '../token/keys.js'
import { refusedFor } from './refused-logout-tokens.js'
import { sessionKeysOf } from '../token/session-keys.js'
import type { Verification, VerifiedToken } from '../token/verification.js'

/** What a logout token ends. */
export type LogoutSignal = Readonly<{
  token: VerifiedToken
  entries: readonly Entry[]
  sessionKeysToDelete: readonly string[]
}>

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0).
 *
 * @param address of the client, because the waits for a key are limited per address
 * @throws ServiceError `bad_request` with the cause when the text is not a valid logout token
 */
export async function verifyLogoutToken(
  verification: Verification,
  jwt: string,
  address: string,
): Promise<VerifiedToken> {
  const token = await verification.verify(jwt, address).catch((error: unknown) => {
    if (!(error instanceof ServiceError && error.code === 'invalid_token')) throw error
    throw refuseLogoutToken(causeOf(error))
  })
  if (token.timing === 'expired') throw refuseLogoutToken('expired')
  if (token.timing === 'ahead') throw refuseLogoutToken('not_yet_valid')
  return token
}

/**
 * The revocations that a verified logout token asks for. Where it ends a session, the other sessions
 * of its subject go on. Tokens without a session cannot show that they belong to another one, so
 * those that were issued up to the `iat` of the logout token are revoked, too.
 *
 * @throws ServiceError `bad_request` when the token ends nothing in the scope of its issuer
 */
export function logoutSignalOf(
  token: VerifiedToken,
  { keptUntilMs, cutoffAt }: Pick<TokenEntries, 'keptUntilMs' | 'cutoffAt'>,
  nowMs: number,
): LogoutSignal {
  const { keys, issuer } = token
  const { iss, sub, sid, iat = 0 } = token.claims
  const endsSession = sid !== undefined && issuer.backchannelScope !== 'subject'
  const endsSubject = sub !== undefined && issuer.backchannelScope !== 'session'
  const ended = [
    ...(endsSession ? [keys.s] : []),
    ...(endsSubject ? [endsSession ? claimKey('n', iss, sub) : keys.u] : []),
  ]
  // A session or subject without a key cannot be revoked, so a 200 would be false.
  const usable = ended.filter((key) => key !== undefined)
  if (ended.length === 0 || usable.length < ended.length) throw refuseLogoutToken('not_in_scope')
  // The expiry and the cutoff come from the logout token's own `iat`, so that a replay changes
  // nothing. A logout token that is older than every session has no session left to end.
  const untilMs = keptUntilMs({
    lifetimeS: issuer.sessionMaxLifetimeS,
    fromMs: Math.ceil(iat * 1000),
  })
  if (untilMs <= nowMs) throw refuseLogoutToken('too_old')
  return {
    token,
    entries: usable.map((key) => entryWith(key, untilMs, cutoffAt(iat))),
    sessionKeysToDelete: endedSessionKeys(token, endsSession),
  }
}

const refuseLogoutToken = (cause: Cause) =>
  new ServiceError('bad_request', { reason: refusedFor(cause) })

/** Verification gives each refusal its cause; a `Reason` may also be that of this operation. */
const causeOf = ({ reason = 'claims' }: ServiceError) => reason as Cause

/**
 * The session data to delete: of one session what names it, of a subject what names the subject
 * alone. The `jti` of a logout token names that token only.
 */
function endedSessionKeys(
  { named: { iss, sub, sid }, issuer }: VerifiedToken,
  isOfSession: boolean,
): readonly string[] {
  const sessionKeys = issuer.sessionKeys.filter((key) => key.includes('{sid}') === isOfSession)
  return sessionKeysOf([
    {
      issuer: { ...issuer, sessionKeys },
      named: isOfSession ? { iss, sub, sid } : { iss, sub },
    },
  ])
}
