import { bearerToken, senderConstrainedChallenge } from '../token/bearer.js'
import { isDpopBound, isSenderConstrained, type SenderConstrained } from '../token/confirmation.js'
import type { Verification, VerifiedToken } from '../token/verification.js'
import { GuardError, guardErrorOf } from './error.js'
import { cachedToken, createTokenCache, type CachedToken } from './token-cache.js'
import type { Authorization } from './types.js'

type Parts = Readonly<{
  verification: Verification
  senderConstrained: SenderConstrained
  maxRemembered: number
  now: () => number
}>

/** Verifies the tokens of `Authorization` headers, and remembers those that are good. */
export function createVerifiedTokens(parts: Parts) {
  const { verification, senderConstrained, now } = parts
  const schemes = { dpop: senderConstrained === 'ignore' }
  const cache = createTokenCache(Math.ceil(parts.maxRemembered / 2))
  const byClaims = new WeakMap<object, CachedToken>()
  const verifying = new Map<string, Promise<CachedToken>>()

  const verify = async (authorization: Authorization): Promise<CachedToken> => {
    const lines = typeof authorization === 'string' ? [authorization] : (authorization ?? [])
    try {
      const token = await verification.verify(bearerToken(lines, schemes))
      requireAcceptable(token, lines, senderConstrained)
      const cached = cachedToken(lines[0] ?? '', token)
      cache.add(cached)
      byClaims.set(token.claims, cached)
      return cached
    } catch (error) {
      throw guardErrorOf(error, lines)
    }
  }
  return {
    /** The token that was verified with this header before, if it is still good. */
    cached(header: string): CachedToken | undefined {
      const cached = cache.get(header)
      return cached !== undefined &&
        cached.expMs > now() &&
        cached.generation === cached.token.issuer.keys.generation()
        ? cached
        : undefined
    },
    verify,
    /** Many requests of one page bring the same new token at once: it is verified once. */
    verifyOnce(header: string): Promise<CachedToken> {
      const running =
        verifying.get(header) ?? verify(header).finally(() => verifying.delete(header))
      verifying.set(header, running)
      return running
    },
    ofClaims: (claims: object) => byClaims.get(claims),
    jwtOf: ({ header }: CachedToken) => bearerToken([header], schemes),
    size: cache.size,
    clear: cache.clear,
  }
}

function requireAcceptable(
  token: VerifiedToken,
  authorization: readonly string[],
  senderConstrained: SenderConstrained,
): void {
  if (token.timing === 'expired') throw new GuardError('token_expired', { authorization })
  if (token.timing === 'ahead')
    throw new GuardError('invalid_token', { authorization, reason: 'not_yet_valid' })
  if (senderConstrained === 'refuse' && isSenderConstrained(token.claims))
    throw new GuardError('invalid_token', {
      challenge: senderConstrainedChallenge(isDpopBound(token.claims)),
      reason: 'sender_constrained',
    })
}
