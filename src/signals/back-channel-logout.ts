import { ServiceError } from '../errors.js'
import type { Entry } from '../revocation/entry.js'
import type { TokenEntries } from '../revocation/token-entries.js'
import { isLogoutToken } from '../token/logout-token.js'
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
 * @throws ServiceError `bad_request` when the text is not a valid logout token
 */
export async function verifyLogoutToken(
  verification: Verification,
  jwt: string,
  address: string,
): Promise<VerifiedToken> {
  try {
    const token = await verification.verify(jwt, address)
    if (token.timing === 'current' && isLogoutToken(token.claims)) return token
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'invalid_token')) throw error
  }
  throw notALogoutToken()
}

/**
 * The revocations that a verified logout token asks for.
 *
 * @throws ServiceError `bad_request` when the token names nothing that can be revoked
 */
export function logoutSignalOf(
  token: VerifiedToken,
  { keptUntilMs }: Pick<TokenEntries, 'keptUntilMs'>,
  nowMs: number,
): LogoutSignal {
  const entries = entriesOf(token, keptUntilMs)
  const claims = endedClaims(token)
  // A logout token that is older than every session has no session left to end.
  const isCurrent = entries.every(({ untilMs }) => untilMs === null || untilMs > nowMs)
  // A session or subject without a key cannot be revoked, so a 200 would be false.
  const isNamed =
    (claims.sid === undefined || token.keys.s !== undefined) &&
    (claims.sub === undefined || token.keys.u !== undefined)
  if (entries.length === 0 || !isCurrent || !isNamed) throw notALogoutToken()
  return { token, entries, sessionKeysToDelete: sessionKeysOf([{ issuer: token.issuer, claims }]) }
}

const notALogoutToken = () => new ServiceError('bad_request', { reason: 'logout_token' })

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
