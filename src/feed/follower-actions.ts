import { setTimeout as pause } from 'node:timers/promises'
import { pauseBeforeRetry, runBarrier, type FollowerContext } from './follower-context.js'
import {
  beforeRead,
  beginRound,
  othersRestoreMs,
  takeEnd,
  takeInspection,
  takePage,
  takeSettled,
  takeSnapshot,
  takeStored,
  takeWrittenBack,
  targetOf,
} from './follower-steps.js'
import {
  placeOf,
  type Bootstrapping,
  type Following,
  type Gap,
  type Restoring,
  type Resuming,
} from './state.js'
import { storePortion } from './write-back.js'

/**
 * Does what the state asks for: asks the source, and takes each answer by a step of
 * `follower-steps.ts`. After an abort this work must not take a step: the state may have changed
 * meanwhile.
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
      return takeSettled(context, state)
  }
}

async function bootstrap(
  context: FollowerContext,
  state: Bootstrapping,
  signal: AbortSignal,
): Promise<void> {
  const { source } = context.parts
  beginRound(context)
  beforeRead(context, source.confirmedAgoMs?.())
  const inspection = await source.inspect?.(placeOf(state))
  signal.throwIfAborted()
  if (!takeInspection(context, state, inspection)) return
  // A large set takes longer to read than the other instances get.
  const [snapshot] = await Promise.all([
    source.snapshot(targetOf(context), signal, inspection),
    state.settles === true ? pause(othersRestoreMs, undefined, { signal }) : undefined,
  ])
  signal.throwIfAborted()
  takeSnapshot(context, state, snapshot)
  if (source.delivery === 'pushed') runBarrier(context, snapshot.position)
}

async function follow(
  context: FollowerContext,
  { position }: Following | Resuming,
  signal: AbortSignal,
): Promise<void> {
  const { source, ownWrites } = context.parts
  beginRound(context)
  await source.follow(position, {
    beforeRead: (agoMs) => beforeRead(context, agoMs),
    onPage: (page) => takePage(context, page),
    // The next page must show each unconfirmed write. Reading it at once shows early what was lost.
    mayWait: () => ownWrites === undefined || ownWrites.unconfirmed.size() === 0,
    signal,
  })
  signal.throwIfAborted()
  takeEnd(context)
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
  takeInspection(context, state, inspection)
}

async function writeBack(
  context: FollowerContext,
  state: Restoring,
  signal: AbortSignal,
): Promise<void> {
  const { source, ownWrites } = context.parts
  const inspection = await source.inspect?.(placeOf(state))
  signal.throwIfAborted()
  if (!takeInspection(context, state, inspection)) return
  const { entries } = state
  for (let portion = entries.next(); portion.length > 0; portion = entries.next()) {
    if (ownWrites !== undefined) await storePortion(portion, ownWrites.restore, signal)
    takeStored(context, state, portion)
  }
  takeWrittenBack(context, state)
}
