import { setTimeout as pause } from 'node:timers/promises'
import { chained } from './event.js'
import type { Page, SnapshotTarget } from './feed-source.js'
import {
  checkClock,
  enter,
  notify,
  pauseBeforeRetry,
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
  placeOf,
  type Bootstrapping,
  type Following,
  type Gap,
  type Restoring,
  type Resuming,
} from './state.js'
import { entriesOf, everyEntryOf, storePortion } from './write-back.js'

/**
 * What the store has may end earlier than what was written by this: a merge that adds no more sends
 * no event, and an expiry that is computed from a remaining time falls short.
 */
const expiryToleranceMs = 1_000
/** Every running instance notices a loss, and writes back what it holds, within this time. */
const othersRestoreMs = 2_000

/**
 * Does what the state asks for. After an abort this work must not enter another state: the state
 * may have changed meanwhile.
 */
export async function act(context: FollowerContext, signal: AbortSignal): Promise<void> {
  const { state } = context
  switch (state.mode) {
    case 'bootstrapping':
      return bootstrap(context, state, signal)
    case 'following':
    case 'resuming':
      return follow(context, state, signal)
    case 'gap':
      return inspectGap(context, state, signal)
    case 'restoring':
      return writeBack(context, state, signal)
    case 'settling':
      await pause(othersRestoreMs, undefined, { signal })
      return enter(context, onSettled(state))
  }
}

const everythingOf = ({ parts: { liveSet, ownWrites } }: FollowerContext) =>
  ownWrites === undefined ? entriesOf([]) : everyEntryOf(liveSet)

async function bootstrap(
  context: FollowerContext,
  state: Bootstrapping,
  signal: AbortSignal,
): Promise<void> {
  const { source, observer } = context.parts
  context.round += 1
  context.readAt = momentOf(context.parts.clock, source.confirmedAgoMs?.())
  const inspection = await source.inspect?.(state.place)
  signal.throwIfAborted()
  const inspected = onInspection(state, inspection, everythingOf(context))
  if (inspected.state.mode !== 'bootstrapping') return enter(context, inspected)
  // A large set takes longer to read than the other instances get.
  const [snapshot] = await Promise.all([
    source.snapshot(targetOf(context), signal, inspection),
    state.settles === true ? pause(othersRestoreMs, undefined, { signal }) : undefined,
  ])
  signal.throwIfAborted()
  context.counts.snapshots += 1
  const next = onSnapshot(state, snapshot)
  if (next.state.mode === 'following') arrive(context, next, true)
  else enter(context, next)
  context.barrier.reached(snapshot.position)
  observer.onSnapshot()
  if (source.delivery === 'pushed')
    void context.barrier.begin(snapshot.position, context.closing.signal)
}

const targetOf = ({
  parts: { liveSet, ownWrites, observer },
}: FollowerContext): SnapshotTarget => ({
  addPacked: liveSet.addPacked,
  add(entry) {
    liveSet.add(entry)
    ownWrites?.unconfirmed.confirm(entry, expiryToleranceMs)
  },
  onPart: observer.onSnapshotPart,
})

async function follow(
  context: FollowerContext,
  { position }: Following | Resuming,
  signal: AbortSignal,
): Promise<void> {
  const { source, ownWrites } = context.parts
  context.round += 1
  await source.follow(position, {
    beforeRead: (agoMs) => void (context.readAt = momentOf(context.parts.clock, agoMs)),
    onPage: (page) => takePage(context, page),
    // The next page must show each unconfirmed write. Reading it at once shows early what was lost.
    mayWait: () => ownWrites === undefined || ownWrites.unconfirmed.size() === 0,
    signal,
  })
  signal.throwIfAborted()
  const { state } = context
  if (state.mode === 'following' || state.mode === 'resuming') enter(context, onGap(state))
}

/** @returns whether to follow on */
function takePage(context: FollowerContext, page: Page): boolean {
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
    ownWrites?.unconfirmed.confirm(entry, expiryToleranceMs)
  }
}

/**
 * Enters a state in which the live set is complete up to a position. At the end of the feed it is
 * clear which writes of this instance the feed lacks.
 *
 * @returns whether the feed lacks no write
 */
function arrive(
  context: FollowerContext,
  next: ReturnType<typeof onPage>,
  isWhole: boolean,
): boolean {
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

async function inspectGap(
  context: FollowerContext,
  state: Gap,
  signal: AbortSignal,
): Promise<void> {
  const { source } = context.parts
  // All followers of one instance learn of a gap at the same time, so they pause with jitter.
  if (source.inspect === undefined) await pauseBeforeRetry(context, signal)
  const inspection = await source.inspect?.(placeOf(state))
  signal.throwIfAborted()
  enter(context, onInspection(state, inspection, everythingOf(context)))
}

async function writeBack(
  context: FollowerContext,
  state: Restoring,
  signal: AbortSignal,
): Promise<void> {
  const { source, ownWrites } = context.parts
  const inspection = await source.inspect?.(state.place)
  signal.throwIfAborted()
  const inspected = onInspection(state, inspection, everythingOf(context))
  if (inspected.state !== state) return enter(context, inspected)
  const { entries } = state
  for (let portion = entries.next(); portion.length > 0; portion = entries.next()) {
    if (ownWrites !== undefined) await storePortion(portion, ownWrites.restore, signal)
    context.counts.restored += portion.length
    entries.stored()
  }
  enter(context, onWrittenBack(state))
}
