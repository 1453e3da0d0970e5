import type { Entry } from '../revocation/entry.js'
import { chained } from './event.js'
import type { Inspection, Page, Snapshot, SnapshotTarget } from './feed-source.js'
import {
  checkClock,
  checkFreshness,
  enter,
  notify,
  proven,
  type FollowerContext,
} from './follower-context.js'
import { momentOf } from './freshness.js'
import {
  onGap,
  onInspection,
  onMissingWrites,
  onPage,
  onSettled,
  onSnapshot,
  onWrittenBack,
  type Bootstrapping,
  type Gap,
  type Restoring,
  type Settling,
  type Transition,
} from './state.js'
import { entriesOf, everyEntryOf } from './write-back.js'

// The steps of a follower: what it does with each answer of its source, at once and without
// waiting. `follower-actions.ts` waits for the answers.

/**
 * How long an instance waits for the others after a loss. Each of them notices it and writes back
 * what it holds; with very many entries the last ones come later than that.
 */
export const othersRestoreMs = 2_000

/** Reads of the feed begin anew. */
export function beginRound(context: FollowerContext): void {
  context.round += 1
}

/** A read of the feed is about to be sent. It shows the feed as of now, or as of `agoMs` before. */
export function beforeRead(context: FollowerContext, agoMs?: number): void {
  context.readAt = momentOf(context.parts.clock, agoMs)
}

/** @returns whether to go on with the work of `state` */
export function takeInspection(
  context: FollowerContext,
  state: Bootstrapping | Gap | Restoring,
  inspection: Inspection | undefined,
): boolean {
  const inspected = onInspection(state, inspection, everythingOf(context))
  if (inspected.state === state) return true
  enter(context, inspected)
  return false
}

const everythingOf = ({ parts: { liveSet, ownWrites } }: FollowerContext) =>
  ownWrites === undefined ? entriesOf([]) : everyEntryOf(liveSet)

/** What a snapshot is added to. */
export const targetOf = ({
  parts: { liveSet, ownWrites, observer },
}: FollowerContext): SnapshotTarget => ({
  addPacked: liveSet.addPacked,
  add(entry) {
    liveSet.add(entry)
    ownWrites?.unconfirmed.confirm(entry)
  },
  onPart: observer.onSnapshotPart,
})

/** The snapshot has been added. */
export function takeSnapshot(
  context: FollowerContext,
  state: Bootstrapping,
  snapshot: Snapshot,
): void {
  context.counts.snapshots += 1
  const next = onSnapshot(state, snapshot)
  if (next.state.mode === 'following') arrive(context, next, true)
  else enter(context, next)
  context.barrier.reached(snapshot.position)
  context.parts.observer.onSnapshot()
}

/** @returns whether to follow on */
export function takePage(context: FollowerContext, page: Page): boolean {
  checkClock(context)
  const { state } = context
  if (state.mode !== 'following' && state.mode !== 'resuming') return false
  const next = onPage(state, page)
  if (next.state.mode !== 'following') {
    enter(context, next)
    return false
  }
  context.retryInMs = context.parts.retryMs.first
  applyPage(context, page)
  const isComplete = arrive(context, next, page.isWhole)
  if (page.events.length > 1) {
    const events = chained(page.events)
    context.barrier.applied(events)
    if (isComplete) context.parts.observer.onEvents(events)
  }
  context.round += 1
  return isComplete
}

function applyPage({ parts: { liveSet, ownWrites } }: FollowerContext, { events }: Page): void {
  for (let index = 1; index < events.length; index += 1) {
    const { entry } = events[index]!
    if (entry === undefined) continue
    liveSet.add(entry)
    ownWrites?.unconfirmed.confirm(entry)
  }
}

/**
 * Enters a state in which the live set is complete up to a position. At the end of the feed it is
 * clear which writes of this instance the feed lacks.
 *
 * @returns whether the feed lacks no write
 */
function arrive(context: FollowerContext, next: Transition, isWhole: boolean): boolean {
  const { source, ownWrites, observer } = context.parts
  const missing = isWhole ? (ownWrites?.unconfirmed.missing(context.round) ?? []) : []
  if (missing.length > 0 && next.state.mode === 'following') {
    notify(context, next.notice)
    enter(context, onMissingWrites(next.state, entriesOf(missing)))
    return false
  }
  enter(context, next)
  observer.onPositionSeen()
  if (source.delivery === 'read' && isWhole && context.readAt) proven(context, context.readAt)
  return true
}

/** The source has ended the pages: it does not have the position any more. */
export function takeEnd(context: FollowerContext): void {
  const { state } = context
  if (state.mode === 'following' || state.mode === 'resuming') enter(context, onGap(state))
}

/** A portion of what the store lacked is written back. */
export function takeStored(
  { counts }: FollowerContext,
  { entries }: Restoring,
  portion: readonly Entry[],
): void {
  counts.restored += portion.length
  entries.stored()
}

export const takeWrittenBack = (context: FollowerContext, state: Restoring): void =>
  enter(context, onWrittenBack(state))

/** The other instances have had `othersRestoreMs` to write back. */
export const takeSettled = (context: FollowerContext, state: Settling): void =>
  enter(context, onSettled(state))

/** This instance has stored an entry, which its live set does not have yet. */
export function takeOwnWrite({ parts, round }: FollowerContext, entry: Entry): void {
  // The event of the entry may have arrived before the answer of the store.
  if (!parts.liveSet.covers(entry)) parts.ownWrites?.unconfirmed.add(entry, round)
}

/** Time has passed. */
export function takeTime(context: FollowerContext): void {
  checkClock(context)
  checkFreshness(context)
}
