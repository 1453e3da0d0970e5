import type { RevocationKey } from '../token/keys.js'
import type { VerifiedToken } from '../token/verification.js'

/** How many logout tokens are remembered. Each takes about 100 bytes. */
const mostRemembered = 100_000

/**
 * Remembers the logout tokens that this instance has carried out: by `jti`, or without one by the
 * token itself. The oldest are forgotten first. A replay revokes nothing new, so what is forgotten
 * only escapes the limit of replays once.
 */
export function createLogoutTokenReplays(most = mostRemembered) {
  const seen = new Set<RevocationKey>()
  return {
    isReplay: ({ keys }: VerifiedToken): boolean => seen.has(keys.j ?? keys.t),
    remember({ keys }: VerifiedToken): void {
      seen.add(keys.j ?? keys.t)
      const [oldest] = seen
      if (seen.size > most && oldest !== undefined) seen.delete(oldest)
    },
  }
}

export type LogoutTokenReplays = ReturnType<typeof createLogoutTokenReplays>
