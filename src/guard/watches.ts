import type { Entry } from '../revocation/entry.js'
import type { CachedToken } from './token-cache.js'
import {
  createWatchIndex,
  type EndOfWatch,
  type OnStale,
  type Watch,
  type Watched,
} from './watch-index.js'

type Parts = Readonly<{
  isRevoked: (cached: CachedToken) => boolean
  now: () => number
}>

const spreadOverMs = 1_000

/**
 * When one of `count` connections that a stale guard closes is closed, in milliseconds: evenly over
 * a second. Clients whose connections are closed together come back together.
 */
export const spreadDelayMs = (index: number, count: number): number =>
  Math.floor((index * spreadOverMs) / count)

/** Tokens whose end is to be reported. */
export function createWatches(parts: Parts) {
  const index = createWatchIndex()
  const { begin, end, checkRevoked } = createEndings(parts, index)
  const byWatch = new WeakMap<Watch, Watched>()
  let isFresh = false
  const checkFresh = (watched: Watched) => {
    if (!isFresh && watched.onStale === 'close') end(watched, 'stale')
  }
  const spreadStale = () => {
    const closing = index.all().filter(({ onStale }) => onStale === 'close')
    closing.forEach((watched, place) =>
      setTimeout(checkFresh, spreadDelayMs(place, closing.length), watched).unref(),
    )
  }
  return {
    add(cached: CachedToken, callback: (why: EndOfWatch) => void, onStale: OnStale): Watch {
      const watched: Watched = { cached, callback, onStale, timer: undefined }
      const watch = () => void index.remove(watched)
      byWatch.set(watch, watched)
      begin(watched)
      checkFresh(watched)
      return watch
    },
    /**
     * @returns the token that is watched; nothing once the watch has ended
     * @throws TypeError when `add` did not return `watch`
     */
    tokenOf(watch: Watch): CachedToken | undefined {
      const watched = byWatch.get(watch)
      if (watched === undefined) throw new TypeError('renew takes what watch returned')
      return index.has(watched) ? watched.cached : undefined
    },
    /** Watches another token in the place of the one of a watch that has not ended. */
    replace(watch: Watch, cached: CachedToken): void {
      const watched = byWatch.get(watch)
      if (watched === undefined || !index.remove(watched)) return
      watched.cached = cached
      begin(watched)
    },
    onRevocation: ({ key }: Entry) => index.withKey(key)?.forEach(checkRevoked),
    onSnapshot: () => index.all().forEach(checkRevoked),
    onFreshness(fresh: boolean): void {
      isFresh = fresh
      if (!fresh) spreadStale()
    },
    size: index.size,
    /** From now on no revocation arrives. */
    close(): void {
      isFresh = false
      index.all().forEach(checkFresh)
      index.all().forEach(index.remove)
    },
  }
}

/**
 * Timers stand still while the machine sleeps, so each watch reads the clock again after this time.
 */
const checkClockEveryMs = 30_000

function createEndings(
  { isRevoked, now }: Parts,
  index: Pick<ReturnType<typeof createWatchIndex>, 'add' | 'remove' | 'has'>,
) {
  const end = (watched: Watched, why: EndOfWatch) => {
    // An error of the callback is uncaught, and does not keep the other callbacks from being
    // called.
    if (index.remove(watched)) queueMicrotask(() => watched.callback(why))
  }
  const checkRevoked = (watched: Watched) => {
    if (isRevoked(watched.cached)) end(watched, 'revoked')
  }
  const checkClock = (watched: Watched) => {
    const leftMs = watched.cached.expMs - now()
    if (leftMs <= 0) return end(watched, 'expired')
    if (leftMs === Infinity) return
    watched.timer = setTimeout(checkClock, Math.min(leftMs, checkClockEveryMs), watched)
    watched.timer.unref()
  }
  const begin = (watched: Watched) => {
    index.add(watched)
    checkRevoked(watched)
    if (index.has(watched)) checkClock(watched)
  }
  return { begin, end, checkRevoked }
}
