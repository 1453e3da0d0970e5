import type { RevocationKey } from '../token/keys.js'
import type { CachedToken } from './token-cache.js'

/** Why a watched token is no longer good. */
export type EndOfToken = 'revoked' | 'expired'

/** Why a watch ended. `stale`: the guard cannot tell whether the token is revoked. */
export type EndOfWatch = EndOfToken | 'stale'

/** What becomes of a live connection whose guard is stale. */
export type OnStale = 'close' | 'keep'

/**
 * A function that stops watching. `guard.renew` takes it, to put a new token in the place of the old
 * one.
 */
export type Watch = () => void

export type Watched = {
  cached: CachedToken
  readonly callback: (why: EndOfWatch) => void
  readonly onStale: OnStale
  timer: NodeJS.Timeout | undefined
}

/** Watched tokens, by the keys that can revoke them. */
export function createWatchIndex() {
  const byKey = new Map<RevocationKey, Set<Watched>>()
  const all = new Set<Watched>()
  return {
    add(watched: Watched): void {
      all.add(watched)
      for (const key of keysOf(watched)) byKey.set(key, (byKey.get(key) ?? new Set()).add(watched))
    },
    /** @returns whether it was there */
    remove(watched: Watched): boolean {
      if (!all.delete(watched)) return false
      clearTimeout(watched.timer)
      for (const key of keysOf(watched)) {
        const sharing = byKey.get(key)
        sharing?.delete(watched)
        if (sharing?.size === 0) byKey.delete(key)
      }
      return true
    },
    has: (watched: Watched): boolean => all.has(watched),
    withKey: (key: RevocationKey): ReadonlySet<Watched> | undefined => byKey.get(key),
    all: (): Watched[] => [...all],
    size: (): number => all.size,
  }
}

const keysOf = ({ cached }: Watched) => Object.values(cached.token.keys)
