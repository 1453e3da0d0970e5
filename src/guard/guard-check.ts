import type { Claims } from '../token/verification.js'
import { GuardError } from './error.js'
import type { OnUnknown } from './fallback.js'
import type { CachedToken } from './token-cache.js'
import type { Authorization } from './types.js'
import type { createVerifiedTokens } from './verified-tokens.js'

type Parts = Readonly<{
  tokens: ReturnType<typeof createVerifiedTokens>
  isRevoked: (cached: CachedToken) => boolean
  /** Whether the live set may answer for a token that is not in it. */
  isFresh: () => boolean
  isClosed: () => boolean
  hasSnapshot: () => boolean
  onUnknown: OnUnknown
}>

/** Checks an `Authorization` header: verified, not expired, not revoked. */
export function createGuardCheck(parts: Parts) {
  const { tokens, isRevoked } = parts
  const resolveUnknown = async (cached: CachedToken): Promise<Claims> => {
    if (parts.isClosed()) throw new GuardError('unknown')
    const { claims } = cached.token
    const why = parts.hasSnapshot() ? 'stale' : 'no_snapshot'
    const question = { token: tokens.jwtOf(cached), claims, why } as const
    const decision = await Promise.resolve(question)
      .then(parts.onUnknown)
      .catch((cause: unknown) => {
        throw new GuardError('unknown', { cause })
      })
    // The revocation may have arrived meanwhile.
    if (isRevoked(cached) || decision === 'revoked') throw revoked(cached)
    if (decision === 'active') return claims
    throw new GuardError('unknown')
  }
  const decide = (cached: CachedToken): Claims | Promise<Claims> => {
    if (isRevoked(cached)) throw revoked(cached)
    return parts.isFresh() ? cached.token.claims : resolveUnknown(cached)
  }
  return async (authorization: Authorization): Promise<Claims> => {
    if (typeof authorization !== 'string') return decide(await tokens.verify(authorization))
    const cached = tokens.cached(authorization)
    return decide(cached ?? (await tokens.verifyOnce(authorization)))
  }
}

const revoked = ({ header }: CachedToken) =>
  new GuardError('invalid_token', { authorization: [header] })
