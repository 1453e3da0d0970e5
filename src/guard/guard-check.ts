import type { Claims } from '../token/verification.js'
import { GuardError } from './error.js'
import type { OnUnknown } from './fallback.js'
import { noChecks, type CheckOutcome } from './stats.js'
import type { CachedToken } from './token-cache.js'
import type { Authorization, BareToken } from './types.js'
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

/**
 * Checks an `Authorization` header or a bare token: verified, not expired, not revoked. Counts how the
 * checks ended.
 */
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
    if (decision === 'active' && !parts.isClosed()) return claims
    throw new GuardError('unknown')
  }
  const decide = (cached: CachedToken): Claims | Promise<Claims> => {
    if (isRevoked(cached)) throw revoked(cached)
    return parts.isFresh() ? cached.token.claims : resolveUnknown(cached)
  }
  const counts = noChecks()
  const check = async <T extends object>(
    presented: Authorization | BareToken,
  ): Promise<Claims<T>> => {
    try {
      const authorization = isBareToken(presented) ? headerOf(presented) : presented
      const cached =
        typeof authorization === 'string'
          ? (tokens.cached(authorization) ?? (await tokens.verifyOnce(authorization)))
          : await tokens.verify(authorization)
      const decided = decide(cached)
      const claims = decided instanceof Promise ? await decided : decided
      counts.active += 1
      // The caller knows what its issuer writes.
      return claims as Claims<T>
    } catch (error) {
      counts[outcomeOf(error)] += 1
      throw error
    }
  }
  return { check, counts: () => ({ ...counts }) }
}

function outcomeOf(error: unknown): CheckOutcome {
  if (!(error instanceof GuardError)) return 'unknown'
  const { code, reason } = error
  if (code === 'invalid_token') return reason === 'revoked' ? 'revoked' : code
  return code === 'token_missing' || code === 'token_expired' ? code : 'unknown'
}

const revoked = ({ header }: CachedToken) =>
  new GuardError('invalid_token', { authorization: [header], reason: 'revoked' })

const isBareToken = (presented: Authorization | BareToken): presented is BareToken =>
  typeof presented === 'object' && presented !== null && 'token' in presented

/**
 * The header that is equal to a bare token. A value of another type comes from a request, too, as a
 * member of its body: it is a malformed token.
 */
function headerOf({ token }: BareToken): string | undefined {
  if (token === undefined || token === null) return undefined
  return typeof token === 'string' ? `Bearer ${token}` : 'Bearer .'
}
