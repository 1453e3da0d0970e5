import { setTimeout as pause } from 'node:timers/promises'
import { withDeadlineSignal } from '../runtime/http-client.js'
import { watchClock, type Clock } from '../runtime/clock.js'
import { positionOf, UnreadableFeed, type FeedEvent, type Position } from '../feed/event.js'
import type { LiveSet } from '../revocation/live-set.js'
import { FeedError, type FeedClient } from './http-feed.js'
import { startSweeper } from '../runtime/sweeper.js'

export type FollowingParts = {
  feed: FeedClient
  liveSet: LiveSet
  clock: Clock
  maxStalenessMs: number
  onEvent: (event: FeedEvent) => void
  onSnapshot: () => void
  /** Whenever it becomes so, and never twice in a row. */
  onFreshness: (isFresh: boolean) => void
  onTrouble: (error: Error) => void
}

/** Repeating does not help: the client is refused, or the feed has what this version cannot read. */
const isFinal = (error: unknown) =>
  isUnreadable(error) || (error instanceof FeedError && error.isPermanent)
const isUnreadable = (error: unknown) =>
  error instanceof UnreadableFeed || (error instanceof FeedError && error.status === 426)
const clockSetBack = () => new FeedError('the clock was set back')

/** Positions that were applied since a proof was begun, and the one it is about. */
type Proof = { applied: Set<Position>; target: Position | undefined; done: () => void }

const retryFirstMs = 50
const retryMostMs = 2_000
const proveEveryMs = 1_000
const proveWithinMs = 2_000
const longestTimerMs = 2 ** 31 - 1

/**
 * Follows the feed and proves that it does. Freshness is not assumed from a connection that is open: once a second the position of the
 * feed is asked for, and what is held is fresh as of the moment of asking once exactly that event has been applied. It is one that was
 * the last when asked, one that came since, or one that will come; any other belongs to another history.
 */
export function followFeed(parts: FollowingParts) {
  const { feed, liveSet, clock, maxStalenessMs } = parts
  const closing = new AbortController()
  const counts = { snapshots: 0, gaps: 0, reconnects: 0 }
  let position: Position | undefined
  let provenAt: { now: number; monotonicMs: number } | undefined
  let proof: Proof | undefined
  let stream = new AbortController()
  let wasFresh = false
  let setBacks = 0
  /** How often the feed was found unreadable, and whether no event has been read since. */
  let unreadables = 0
  let isReadingBroken = false
  let trouble: Error | undefined
  const waiting = new Set<{ resolve: () => void; reject: (error: Error) => void }>()

  const stalenessMs = () =>
    provenAt === undefined
      ? Infinity
      : Math.max(clock.now() - provenAt.now, clock.monotonicMs() - provenAt.monotonicMs)
  const isFresh = () => stalenessMs() <= maxStalenessMs
  const tellFreshness = () => {
    const fresh = isFresh()
    if (fresh === wasFresh) return
    wasFresh = fresh
    parts.onFreshness(fresh)
  }
  const failed = (error: unknown) => {
    if (closing.signal.aborted) return
    // fetch says no more than that it failed; its cause knows why.
    const { message, cause } = error as Error
    trouble =
      cause instanceof Error
        ? new Error(`${message}: ${cause.message}`, { cause })
        : (error as Error)
    if (isUnreadable(error)) markUnreadable(error)
    parts.onTrouble(trouble)
    if (!isFinal(error)) return
    for (const { reject } of waiting) reject(error as Error)
    waiting.clear()
  }
  /** Nothing is fresh before the feed has been read again from where it was readable last. */
  const markUnreadable = (error: unknown) => {
    isReadingBroken = true
    unreadables += 1
    provenAt = undefined
    stream.abort(error)
    tellFreshness()
  }
  const reached = (at: Position) => {
    position = at
    proof?.applied.add(at)
    if (proof?.target === at) proof.done()
  }
  const apply = (event: FeedEvent) => {
    const at = positionOf(event)
    if (event.entry !== undefined) liveSet.add(event.entry)
    reached(at)
    parts.onEvent(event)
  }
  const takeSnapshot = async () => {
    const before = setBacks
    const at = await feed.snapshot(liveSet, closing.signal)
    if (setBacks !== before) throw clockSetBack()
    counts.snapshots += 1
    reached(at)
    parts.onSnapshot()
    void prove()
    return at
  }
  const follow = async () => {
    const from = position ?? (await takeSnapshot())
    // Whoever was told by the snapshot may have closed it.
    closing.signal.throwIfAborted()
    stream = new AbortController()
    let isJoined = false
    await feed.events(
      from,
      (event) => {
        if (!isJoined && positionOf(event) !== from)
          throw new FeedError('the feed does not begin where it was asked to')
        isJoined = true
        isReadingBroken = false
        retryInMs = retryFirstMs
        apply(event)
      },
      stream.signal,
    )
    counts.gaps += 1
    position = undefined
  }
  let retryInMs = retryFirstMs
  const run = async () => {
    while (!closing.signal.aborted) {
      try {
        await follow()
      } catch (error) {
        failed(error)
        counts.reconnects += 1
      }
      // Apart from each other, so that a fleet does not come back as one. Nothing but closing cuts it short, which ends the loop.
      await pause(retryInMs * (0.5 + Math.random()), undefined, { signal: closing.signal }).catch(
        () => undefined,
      )
      retryInMs = Math.min(retryMostMs, retryInMs * 2)
    }
  }
  const prove = async () => {
    if (position === undefined || isReadingBroken || proof !== undefined || closing.signal.aborted)
      return
    const before = { setBacks, unreadables }
    const askedAt = { now: clock.now(), monotonicMs: clock.monotonicMs() }
    const own: Proof = { applied: new Set([position]), target: undefined, done: () => undefined }
    const isDone = new Promise<void>((resolve) => (own.done = resolve))
    proof = own
    try {
      await withDeadlineSignal(
        Math.min(proveWithinMs, maxStalenessMs),
        closing.signal,
        async ({ signal }) => {
          own.target = await feed.position(signal)
          if (own.applied.has(own.target)) return
          const isLate = new Promise<never>((_resolve, reject) =>
            signal.addEventListener('abort', () =>
              reject(new FeedError('the feed lags behind its position')),
            ),
          )
          await Promise.race([isDone, isLate]).catch((error: unknown) => {
            // Whatever holds it up, a new connection may not.
            stream.abort(error)
            throw error
          })
        },
      )
      if (setBacks !== before.setBacks) throw clockSetBack()
      if (unreadables !== before.unreadables) return
      provenAt = askedAt
      trouble = undefined
      for (const { resolve } of waiting) resolve()
      waiting.clear()
    } catch (error) {
      failed(error)
    } finally {
      proof = undefined
      tellFreshness()
    }
  }
  const watched = watchClock(clock)
  const heedClock = () => {
    if (!watched.wasSetBack()) return
    setBacks += 1
    position = undefined
    provenAt = undefined
    stream.abort(clockSetBack())
  }
  const proving = setInterval(
    () => {
      heedClock()
      tellFreshness()
      void prove()
    },
    Math.min(proveEveryMs, Math.ceil(maxStalenessMs / 3)),
  )
  const stopSweeping = startSweeper((budget) => {
    heedClock()
    liveSet.sweep(budget)
  })
  const running = run()
  return {
    isFresh,
    stalenessMs,
    hasSnapshot: () => counts.snapshots > 0,
    position: () => position,
    counts: () => ({ ...counts }),
    /** Comes back when it is fresh. @throws Error with the last trouble when it is not within `ms`, or the client is refused */
    async fresh(ms: number): Promise<void> {
      if (closing.signal.aborted) throw new Error('the guard was closed')
      if (isFresh()) return
      let waiter: { resolve: () => void; reject: (error: Error) => void } | undefined
      const proven = new Promise<void>((resolve, reject) =>
        waiting.add((waiter = { resolve, reject })),
      )
      const timer = setTimeout(
        () =>
          waiter?.reject(
            new Error(
              `the guard is not ready within ${ms} ms${trouble ? `: ${trouble.message}` : ''}`,
              { cause: trouble },
            ),
          ),
        Math.min(ms, longestTimerMs),
      )
      try {
        await proven
      } finally {
        clearTimeout(timer)
        if (waiter !== undefined) waiting.delete(waiter)
      }
    },
    async close() {
      clearInterval(proving)
      stopSweeping()
      closing.abort()
      stream.abort()
      provenAt = undefined
      for (const { reject } of waiting) reject(new Error('the guard was closed'))
      await running
    },
  }
}
