import { ServiceError, type Cause } from '../errors.js'
import type { Entry } from '../revocation/entry.js'
import type { TokenEntries } from '../revocation/token-entries.js'
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
 * The revocations that a verified logout token asks for.
 *
 * @throws ServiceError `bad_request` when the token ends nothing in the scope of its issuer
 */
export function logoutSignalOf(
  token: VerifiedToken,
  { keptUntilMs }: Pick<TokenEntries, 'keptUntilMs'>,
  nowMs: number,
): LogoutSignal {
  const entries = entriesOf(token, keptUntilMs)
  if (entries.length === 0) throw refuseLogoutToken('not_in_scope')
  // A logout token that is older than every session has no session left to end.
  const isCurrent = entries.every(({ untilMs }) => untilMs === null || untilMs > nowMs)
  if (!isCurrent) throw refuseLogoutToken('too_old')
  const claims = endedClaims(token)
  return { token, entries, sessionKeysToDelete: sessionKeysOf([{ issuer: token.issuer, claims }]) }
}

const refuseLogoutToken = (cause: Cause) =>
  new ServiceError('bad_request', { reason: refusedFor(cause) })

/** Verification gives each refusal its cause; a `Reason` may also be that of this operation. */
const causeOf = ({ reason = 'claims' }: ServiceError) => reason as Cause

/** The claims that key templates may use. The `jti` of a logout token names that token only. */
function endedClaims({ claims: { iss, sub, sid }, issuer: { backchannelScope } }: VerifiedToken) {
  return {
    ...(iss !== undefined && { iss }),
    ...(sub !== undefined && backchannelScope !== 'session' && { sub }),
    ...(sid !== undefined && backchannelScope !== 'subject' && { sid }),
  }
}

/**
 * The expiry and the cutoff come from the logout token's own `iat`, so that a replay changes
 * nothing.
 */
function entriesOf(
  { claims, keys, issuer }: VerifiedToken,
  keptUntilMs: TokenEntries['keptUntilMs'],
): Entry[] {
  const iat = claims.iat ?? 0
  const { backchannelScope: scope, sessionMaxLifetimeS: lifetimeS } = issuer
  const untilMs = keptUntilMs({ lifetimeS, fromMs: Math.ceil(iat * 1000) })
  const entries: Entry[] = []
  if (keys.s !== undefined && scope !== 'subject') entries.push({ key: keys.s, untilMs })
  if (keys.u !== undefined && scope !== 'session')
    entries.push({ key: keys.u, untilMs, cutoff: Math.ceil(iat) })
  return entries
}
