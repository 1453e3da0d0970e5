import type { Entry } from '../revocation/entry.js'
import type { RevocationKey } from '../token/keys.js'
import type { CachedToken } from './token-cache.js'

/** Why a watched token is no longer good. */
export type EndOfToken = 'revoked' | 'expired'

type Watch = {
  cached: CachedToken
  callback: (why: EndOfToken) => void
  timer: NodeJS.Timeout | undefined
}

/** Timers stand still while the machine sleeps, so the clock is read again after this. */
const checkClockEveryMs = 30_000

/** Tokens whose end is to be reported. */
export function createWatches(parts: {
  isRevoked: (cached: CachedToken) => boolean
  now: () => number
}) {
  const { isRevoked, now } = parts
  const byKey = new Map<RevocationKey, Set<Watch>>()
  const all = new Set<Watch>()
  const forget = (watch: Watch) => {
    if (!all.delete(watch)) return false
    clearTimeout(watch.timer)
    for (const key of keysOf(watch)) {
      const watches = byKey.get(key)
      watches?.delete(watch)
      if (watches?.size === 0) byKey.delete(key)
    }
    return true
  }
  const end = (watch: Watch, why: EndOfToken) => {
    // An error of the callback is uncaught, and does not keep the other callbacks from being
    // called.
    if (forget(watch)) queueMicrotask(() => watch.callback(why))
  }
  const checkRevoked = (watch: Watch) => {
    if (isRevoked(watch.cached)) end(watch, 'revoked')
  }
  const checkClock = (watch: Watch) => {
    const leftMs = watch.cached.expMs - now()
    if (leftMs <= 0) return end(watch, 'expired')
    if (leftMs === Infinity) return
    watch.timer = setTimeout(() => checkClock(watch), Math.min(leftMs, checkClockEveryMs))
    watch.timer.unref()
  }
  return {
    /** @returns stops watching */
    add(cached: CachedToken, callback: (why: EndOfToken) => void): () => void {
      const watch: Watch = { cached, callback, timer: undefined }
      all.add(watch)
      for (const key of keysOf(watch)) byKey.set(key, (byKey.get(key) ?? new Set()).add(watch))
      checkRevoked(watch)
      if (all.has(watch)) checkClock(watch)
      return () => void forget(watch)
    },
    onRevocation: ({ key }: Entry) => byKey.get(key)?.forEach(checkRevoked),
    onSnapshot: () => all.forEach(checkRevoked),
    size: () => all.size,
    clear: () => all.forEach(forget),
  }
}

const keysOf = ({ cached }: Watch) => Object.values(cached.token.keys)
