import type { Entry } from '../revocation/entry.js'
import type { RevocationKey } from '../token/keys.js'
import type { Known } from './token-cache.js'

/** Why a watched token is no longer good. */
export type EndOfToken = 'revoked' | 'expired'

type Watch = {
  known: Known
  callback: (why: EndOfToken) => void
  timer: NodeJS.Timeout | undefined
}

/** Timers stand still while a machine sleeps. */
const lookAgainMs = 30_000

/** Tokens somebody waits for the end of. */
export function createWatches(parts: { isRevoked: (known: Known) => boolean; now: () => number }) {
  const { isRevoked, now } = parts
  const byKey = new Map<RevocationKey, Set<Watch>>()
  const all = new Set<Watch>()
  const keysOf = ({ known }: Watch) => Object.values(known.token.keys)
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
  const fire = (watch: Watch, why: EndOfToken) => {
    // What the callback throws is nobody's to swallow, and must not keep the others from being told.
    if (forget(watch)) queueMicrotask(() => watch.callback(why))
  }
  const look = (watch: Watch) => {
    if (isRevoked(watch.known)) fire(watch, 'revoked')
  }
  const arm = (watch: Watch) => {
    const leftMs = watch.known.expMs - now()
    if (leftMs <= 0) return fire(watch, 'expired')
    if (leftMs === Infinity) return
    watch.timer = setTimeout(() => arm(watch), Math.min(leftMs, lookAgainMs))
    watch.timer.unref()
  }
  return {
    add(known: Known, callback: (why: EndOfToken) => void): () => void {
      const watch: Watch = { known, callback, timer: undefined }
      all.add(watch)
      for (const key of keysOf(watch)) {
        const watches = byKey.get(key) ?? new Set()
        byKey.set(key, watches.add(watch))
      }
      look(watch)
      if (all.has(watch)) arm(watch)
      return () => void forget(watch)
    },
    learnt: ({ key }: Entry) => byKey.get(key)?.forEach(look),
    learntMany: () => all.forEach(look),
    size: () => all.size,
    clear: () => all.forEach(forget),
  }
}
