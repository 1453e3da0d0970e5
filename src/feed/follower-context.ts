import { setTimeout as pause } from 'node:timers/promises'
import { watchClock } from '../runtime/clock.js'
import type { Position } from './event.js'
import type { FollowerCounts, FollowerParts } from './follower-parts.js'
import { momentOf, stalenessMs, type Moment } from './freshness.js'
import { createReadBarrier, LaggingFeed, runReadBarrier, type ReadBarrier } from './read-barrier.js'
import {
  initialState,
  onClockSetBack,
  onUnreadable,
  type Notice,
  type State,
  type Transition,
} from './state.js'

type Counts = { -readonly [Name in keyof FollowerCounts]: number }

/** What the actions of a follower share. */
export type FollowerContext = {
  readonly parts: FollowerParts
  readonly closing: AbortController
  readonly counts: Counts
  readonly watchedClock: ReturnType<typeof watchClock>
  readonly barrier: ReadBarrier
  state: State
  /** Aborts the work that is done for the state. */
  activity: AbortController
  /** How many reads of the feed have begun. */
  round: number
  retryInMs: number
  /** Before the read of the feed that is under way. */
  readAt: Moment | undefined
  /** The live set has every revocation that was stored before this. */
  provenAt: Moment | undefined
  wasFresh: boolean
}

/** How long a freshness check may take. */
export const barrierWithinMs = ({ maxStalenessMs }: Pick<FollowerParts, 'maxStalenessMs'>) =>
  Math.min(2_000, maxStalenessMs)

export function createContext(parts: FollowerParts): FollowerContext {
  return {
    parts,
    closing: new AbortController(),
    counts: { snapshots: 0, gaps: 0, reconnects: 0, historyLost: 0, restored: 0 },
    watchedClock: watchClock(parts.clock),
    barrier: createReadBarrier(parts.clock),
    state: initialState,
    activity: new AbortController(),
    round: 0,
    retryInMs: parts.retryMs.first,
    readAt: undefined,
    provenAt: undefined,
    wasFresh: false,
  }
}

/** Checks the freshness of a live set that is complete up to a position. */
export function runBarrier(context: FollowerContext, position: Position): void {
  const { parts, barrier, closing } = context
  const { source } = parts
  const withinMs = barrierWithinMs(parts)
  const onPassed = (askedAt: Moment) => proven(context, askedAt)
  const onTrouble = (error: unknown) => reportTrouble(context, error)
  void runReadBarrier({ barrier, source, withinMs, onPassed, onTrouble }, position, closing.signal)
}

/** The position that the live set is complete up to, whether it is fresh or not. */
export const heldPosition = ({ state }: FollowerContext): Position | undefined =>
  state.mode === 'following' || state.mode === 'resuming' ? state.position : undefined

export const ageMs = ({ provenAt, parts }: FollowerContext): number =>
  stalenessMs(provenAt, momentOf(parts.clock))

export const isFresh = (context: FollowerContext): boolean =>
  ageMs(context) <= context.parts.maxStalenessMs

/** Reports freshness if it has changed. */
export function checkFreshness(context: FollowerContext): void {
  const fresh = isFresh(context)
  if (fresh === context.wasFresh) return
  context.wasFresh = fresh
  context.parts.observer.onFreshness(fresh)
}

export function proven(context: FollowerContext, asOf: Moment): void {
  context.provenAt = asOf
  context.parts.observer.onProven()
  checkFreshness(context)
}

export function enter(context: FollowerContext, { state, notice }: Transition): void {
  const wasFollowing = context.state.mode === 'following'
  context.state = state
  if (wasFollowing && state.mode !== 'following') {
    // The event that the check waits for may be in the snapshot that follows.
    context.barrier.cancel()
    context.parts.observer.onGap()
  }
  notify(context, notice)
}

export function notify(context: FollowerContext, notice: Notice | undefined): void {
  if (notice === undefined) return
  const { counts, parts, state } = context
  if (notice === 'gap') counts.gaps += 1
  if (notice === 'history_lost' || notice === 'writes_missing') counts.historyLost += 1
  parts.observer.onNotice(notice, state, counts)
}

/** Ends freshness, and begins the current work anew. */
function startOver(context: FollowerContext, why: unknown): void {
  context.provenAt = undefined
  context.barrier.cancel()
  context.activity.abort(why)
  checkFreshness(context)
}

export function checkClock(context: FollowerContext): void {
  if (!context.watchedClock.wasSetBack()) return
  enter(context, onClockSetBack(context.state))
  startOver(context, new Error('the clock was set back'))
}

export function reportTrouble(context: FollowerContext, error: unknown): void {
  if (context.closing.signal.aborted) return
  const kind = context.parts.source.kindOf(error)
  if (kind === 'unreadable') {
    enter(context, onUnreadable(context.state))
    startOver(context, error)
  }
  // Another connection may deliver the events. A snapshot is taken over a connection of its own.
  if (error instanceof LaggingFeed && heldPosition(context) !== undefined)
    context.activity.abort(error)
  context.parts.observer.onTrouble(error, kind)
}

/**
 * Each pause after an error is twice as long as the one before, up to a limit. Jitter avoids a
 * thundering herd.
 */
export async function pauseBeforeRetry(
  context: FollowerContext,
  signal: AbortSignal,
): Promise<void> {
  const { retryInMs, parts } = context
  context.retryInMs = Math.min(parts.retryMs.most, retryInMs * 2)
  await pause(retryInMs * (0.5 + Math.random()), undefined, { signal })
}
