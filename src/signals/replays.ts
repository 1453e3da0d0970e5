import type { RevocationKey } from '../token/keys.js'

/** How many JWTs are remembered. Each takes about 100 bytes. */
const mostRemembered = 100_000

/**
 * Remembers the JWTs that this instance has carried out, by keys that name them. The oldest are
 * forgotten first. A replay revokes nothing new, so what is forgotten only escapes the limit of
 * replays once.
 */
export function createReplays(most = mostRemembered) {
  const seen = new Set<RevocationKey>()
  return {
    isReplay: (key: RevocationKey): boolean => seen.has(key),
    remember(key: RevocationKey): void {
      seen.add(key)
      const [oldest] = seen
      if (seen.size > most && oldest !== undefined) seen.delete(oldest)
    },
  }
}

export type Replays = ReturnType<typeof createReplays>
