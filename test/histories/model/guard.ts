import { parseServerSentEvent, positionOf, serverSentEvent } from '../../../src/feed/event.js'
import type { FeedEvent, Position } from '../../../src/feed/event.js'
import {
  barrierWithinMs,
  proven,
  reportTrouble,
  type FollowerContext,
} from '../../../src/feed/follower-context.js'
import type { Moment } from '../../../src/feed/freshness.js'
import { LaggingFeed } from '../../../src/feed/read-barrier.js'
import { createSnapshotReader } from '../../../src/feed/snapshot-reader.js'
import { encodeSnapshot } from '../../../src/feed/snapshot.js'
import { createRevocationLookup } from '../../../src/guard/revocation-lookup.js'
import type { CachedToken } from '../../../src/guard/token-cache.js'
import type { LiveSet } from '../../../src/revocation/live-set.js'
import type { Clock } from '../../../src/runtime/clock.js'
import { isAborted, maxStalenessMs, retryMs, silent, sourceOf } from './follower.js'
import { openStream, servedPosition, type Instance, type Set, type Stream } from './instance.js'
import { ask, checkClock } from './link.js'
import { StoreTrouble } from './server.js'
import { clockAt, giveBack, momentMs, takeLiveSet } from './time.js'
import type { World } from './world.js'
import { ClockDiffers } from '../../../src/revocation/store-errors.js'

/** A freshness check on its way; `target` is the answer of the instance. */
type Asked = Readonly<{ askedAt: Moment; target: Position }>

/** A guard, which sends each of its requests to an instance of its choice. */
export type Guard = {
  readonly clockIs: { aheadMs: number }
  jumpsMs: number[]
  clock: Clock
  context: FollowerContext
  liveSet: LiveSet
  isRevoked: (token: CachedToken) => boolean
  /** A snapshot on its way. */
  snapshot: readonly Buffer[] | undefined
  stream: Stream | undefined
  asked: Asked | undefined
  /** Where the guard stood since it asked: any of these may be the answer. */
  heldSince: (Position | undefined)[]
  /** What has arrived of the stream: the last event. */
  last: FeedEvent | undefined
}

export const createGuard = (set: Set): Guard => {
  const clockIs = { aheadMs: 0 }
  return { clockIs, ...startedGuard(set, clockIs) }
}

function startedGuard({ time, parts }: Set, clockIs: Guard['clockIs']): Omit<Guard, 'clockIs'> {
  const clock = clockAt(time, clockIs)
  const liveSet = takeLiveSet(clock)
  const context = parts.createContext({
    source: sourceOf('pushed'),
    liveSet,
    clock,
    maxStalenessMs,
    retryMs,
    observer: silent,
  })
  return {
    clock,
    context,
    liveSet,
    isRevoked: createRevocationLookup(liveSet),
    jumpsMs: [],
    snapshot: undefined,
    stream: undefined,
    asked: undefined,
    heldSince: [],
    last: undefined,
  }
}

export function restartGuard(set: Set, guard: Guard): void {
  giveBack(guard.liveSet)
  Object.assign(guard, startedGuard(set, guard.clockIs))
}

/** Whether a request of the guard makes sense now. */
export const canConnect = ({ stream, snapshot }: Guard): boolean =>
  stream === undefined && snapshot === undefined

export const canTake = ({ stream, snapshot }: Guard): boolean =>
  snapshot !== undefined ||
  (stream !== undefined && (stream.queue.length > 0 || stream.end !== 'no'))

export const canAsk = ({ context, asked }: Guard): boolean =>
  asked === undefined && context.state.mode === 'following'

/** Asks an instance for a snapshot, or for the events after the position. */
export function connectGuard(world: World, instance: Instance): void {
  guarded(world, () => {
    const { guard, parts } = world
    const { context } = guard
    parts.steps.takeTime(context)
    const { state } = context
    if (state.mode === 'gap') parts.steps.takeInspection(context, state, undefined)
    const position = servedPosition(instance)
    if (position === undefined) throw new StoreTrouble('503')
    const now = context.state
    if (now.mode === 'bootstrapping') {
      parts.steps.beginRound(context)
      parts.steps.beforeRead(context)
      guard.snapshot = [...encodeSnapshot(instance.liveSet, position)]
    } else if (now.mode === 'following' || now.mode === 'resuming') {
      parts.steps.beginRound(context)
      guard.stream = openStream(world, instance, now.position)
      guard.last = undefined
      if (guard.stream === undefined) throw new StoreTrouble('503')
    }
  })
}

/** Takes everything that has arrived. */
export function takeArrived(world: World): void {
  guarded(world, () => {
    const { guard } = world
    if (guard.snapshot !== undefined) takeSnapshot(world, guard.snapshot)
    else if (guard.stream !== undefined) takeEvents(world, guard.stream)
  })
}

function takeSnapshot(world: World, pieces: readonly Buffer[]): void {
  const { guard, parts } = world
  const { context } = guard
  guard.snapshot = undefined
  const { state } = context
  if (state.mode !== 'bootstrapping') return
  const reader = createSnapshotReader(parts.steps.targetOf(context))
  for (const piece of pieces) reader.write(piece)
  parts.steps.takeSnapshot(context, state, { position: reader.end(), server: undefined })
}

/** As `guard/http-feed.ts` makes pages of a stream: each begins with the last event of the one before. */
function takeEvents(world: World, stream: Stream): void {
  const { guard, parts } = world
  const { context } = guard
  const arrived = stream.queue.splice(0).map(overTheWire)
  const events = guard.last === undefined ? arrived : [guard.last, ...arrived]
  guard.last = events.at(-1)
  const goesOn = arrived.length === 0 || parts.steps.takePage(context, { events, isWhole: false })
  if (goesOn && stream.end === 'no') return
  guard.stream = undefined
  if (!goesOn || stream.end === 'gap') return parts.steps.takeEnd(context)
  throw new StoreTrouble('the feed ended')
}

function overTheWire(event: FeedEvent): FeedEvent {
  const [id, type, data] = serverSentEvent(event)
    .split('\n')
    .map((line) => line.slice(line.indexOf(': ') + 2))
  const parsed = parseServerSentEvent({ id, event: type, data: data ?? '' })
  if (parsed === undefined || positionOf(parsed) !== positionOf(event))
    throw new Error('not the same')
  return parsed
}

/** Begins a freshness check: the instance reads the last event of the store after the request. */
export function askPosition(world: World, { link }: Instance): void {
  guarded(world, () => {
    const { guard } = world
    const { context } = guard
    world.parts.steps.takeTime(context)
    if (context.state.mode !== 'following') return
    const askedAt = context.barrier.open(context.state.position)
    if (askedAt === undefined) return
    guard.heldSince = [context.state.position]
    try {
      const server = ask(world, link)
      checkClock(world, link, server)
      const tail = server.data.events.at(-1)
      if (tail === undefined) throw new StoreTrouble('503')
      guard.asked = { askedAt, target: positionOf(tail) }
    } catch (error) {
      context.barrier.close(askedAt)
      throw error
    }
  })
}

export function learnPosition(world: World): void {
  guarded(world, () => {
    const { context, asked } = world.guard
    if (asked !== undefined) context.barrier.answered(asked.askedAt, asked.target)
  })
}

/** As `read-barrier.ts` waits: the check passes, or takes too long. */
function endCheck({ guard }: World): void {
  const { context, asked } = guard
  if (asked === undefined) return
  const { askedAt } = asked
  if (!context.barrier.isCurrent(askedAt)) guard.asked = undefined
  else if (context.barrier.hasPassed()) {
    proven(context, askedAt)
    context.barrier.close(askedAt)
    guard.asked = undefined
  }
}

/** Time has passed. */
export function takeTimeOfGuard(world: World): void {
  guarded(world, () => {
    const { guard, parts, time } = world
    const { context, asked } = guard
    parts.steps.takeTime(context)
    const withinMs = barrierWithinMs(context.parts)
    if (asked === undefined || momentMs(time) - asked.askedAt.monotonicMs < withinMs) return
    if (!context.barrier.isCurrent(asked.askedAt)) return
    reportTrouble(context, new LaggingFeed())
    context.barrier.close(asked.askedAt)
  })
}

function guarded(world: World, run: () => void): void {
  const { guard } = world
  try {
    run()
  } catch (error) {
    if (!(error instanceof StoreTrouble) && !(error instanceof ClockDiffers)) throw error
    reportTrouble(guard.context, error)
  }
  endCheck(world)
  if (guard.asked !== undefined) {
    const { state } = guard.context
    guard.heldSince.push('position' in state ? state.position : undefined)
  }
  if (!isAborted(guard.context)) return
  guard.snapshot = undefined
  guard.stream = undefined
}
