import { isSameIdentity } from '../../../src/feed/continuity.js'
import { positionOf, streamIdOf, type Position } from '../../../src/feed/event.js'
import type { Inspection, Page } from '../../../src/feed/feed-source.js'
import { reportTrouble } from '../../../src/feed/follower-context.js'
import { othersRestoreMs } from '../../../src/feed/follower-steps.js'
import { inspectionOf } from '../../../src/feed/log-source.js'
import { placeOf, type Bootstrapping, type Gap, type Restoring } from '../../../src/feed/state.js'
import { commitOf } from '../../../src/revocation/commit.js'
import { ClockDiffers } from '../../../src/revocation/store-errors.js'
import { isAborted } from './follower.js'
import type { Instance } from './instance.js'
import { ask, checkClock, commitAt, confirmedAgoMs } from './link.js'
import {
  boundsOf,
  eventsFrom,
  identityOf,
  openFeed,
  serverNowMs,
  StoreTrouble,
  type Server,
} from './server.js'
import { momentMs } from './time.js'
import type { World } from './world.js'

// An instance does what `follower-actions.ts` and `log-source.ts` do, by the same steps, one piece
// of work at a time. What is between two pieces is the wait for the store.

/** Whether there is something to do before others have acted or time has passed. */
export function canStep({ time }: World, { context, work }: Instance): boolean {
  const hasWaited = 'sinceMs' in work && momentMs(time) - work.sinceMs >= othersRestoreMs
  if (work.kind === 'settles') return hasWaited
  const { state } = context
  return !(work.kind === 'inspected' && 'settles' in state) || hasWaited
}

/** Does the next piece of work. A read of a page is two pieces unless `isWhole`. */
export function step(world: World, instance: Instance, isWhole: boolean): void {
  guarded(instance, () => {
    work(world, instance)
    if (isWhole && instance.work.kind === 'follows' && instance.work.page !== undefined)
      work(world, instance)
  })
}

export const takeTimeOfInstance = ({ parts }: World, instance: Instance): void =>
  guarded(instance, () => parts.steps.takeTime(instance.context))

/** As the loop of `follower.ts`: trouble ends the work of a state, and it begins again. */
function guarded(instance: Instance, run: () => void): void {
  const { context } = instance
  try {
    run()
  } catch (error) {
    if (!(error instanceof StoreTrouble) && !(error instanceof ClockDiffers)) throw error
    instance.work = { kind: 'begins' }
    reportTrouble(context, error)
  }
  if (isAborted(context)) instance.work = { kind: 'begins' }
}

function work(world: World, instance: Instance): void {
  const { context, work } = instance
  const { steps } = world.parts
  if (work.kind === 'begins') steps.takeTime(context)
  const { state } = context
  switch (state.mode) {
    case 'bootstrapping':
      return bootstrap(world, instance, state)
    case 'following':
    case 'resuming':
      return follow(world, instance, state.position)
    case 'gap':
      steps.takeInspection(context, state, inspect(world, instance, state))
      return void (instance.work = { kind: 'begins' })
    case 'restoring':
      return writeBack(world, instance, state)
    case 'settling':
      if (work.kind === 'begins')
        return void (instance.work = { kind: 'settles', sinceMs: momentMs(world.time) })
      steps.takeSettled(context, state)
      instance.work = { kind: 'begins' }
  }
}

function inspect(
  world: World,
  { link }: Instance,
  state: Bootstrapping | Gap | Restoring,
): Inspection {
  const server = ask(world, link)
  checkClock(world, link, server)
  openFeed(world.time, server)
  const place = placeOf(state)
  const id = streamIdOf(place?.position ?? '')
  const first = id === undefined ? undefined : eventsFrom(server, id)[0]
  return inspectionOf({ identity: identityOf(server), bounds: boundsOf(server), first }, place)
}

function bootstrap(world: World, instance: Instance, state: Bootstrapping): void {
  const { context, link, work } = instance
  const { steps } = world.parts
  if (work.kind !== 'inspected') {
    steps.beginRound(context)
    steps.beforeRead(context, confirmedAgoMs(world, link))
    const inspection = inspect(world, instance, state)
    const goesOn = steps.takeInspection(context, state, inspection)
    instance.work = goesOn
      ? {
          kind: 'inspected',
          inspection,
          sinceMs: momentMs(world.time),
          connection: link.connections,
        }
      : { kind: 'begins' }
    return
  }
  const { inspection, connection } = work
  const server = ask(world, link)
  const { position, added } = scan(world, instance, server, inspection)
  // As `log-source.ts`: the set is complete only if the same server still has that event.
  const { identity } = inspection
  if (!isSameIdentity(identityOf(server), identity) || link.connections !== connection)
    throw new StoreTrouble('the feed changed during a scan')
  steps.takeSnapshot(context, state, {
    position,
    server: {
      identity,
      added: inspection.added === undefined ? undefined : inspection.added + added,
    },
  })
  instance.work = { kind: 'begins' }
}

/** As `feed-log.ts` computes the expiries of a scan, and `log-source.ts` reads the feed along. */
function scan(world: World, { context, clock }: Instance, server: Server, { tail }: Inspection) {
  const target = world.parts.steps.targetOf(context)
  const redisMs = serverNowMs(world.time, server)
  const latestMs = Math.max(clock.now(), redisMs)
  for (const entry of server.data.held.values()) {
    const { untilMs } = entry
    if (untilMs !== null && untilMs <= redisMs) continue
    target.add(untilMs === null ? entry : { ...entry, untilMs: latestMs + untilMs - redisMs })
  }
  const [first, ...events] = eventsFrom(server, tail?.id ?? '')
  if (first === undefined || tail === undefined || positionOf(first) !== positionOf(tail))
    throw new StoreTrouble('the feed changed during a scan')
  for (const { entry } of events) if (entry !== undefined) target.add(entry)
  return { position: positionOf(events.at(-1) ?? first), added: events.length }
}

function follow(world: World, instance: Instance, position: Position): void {
  const { context, link, work } = instance
  const { steps } = world.parts
  if (work.kind === 'follows' && work.page !== undefined) {
    const goesOn = steps.takePage(context, work.page)
    if (!goesOn) steps.takeEnd(context)
    instance.work = goesOn ? { kind: 'follows', identified: work.identified } : { kind: 'begins' }
    return
  }
  if (work.kind === 'begins') steps.beginRound(context)
  const identified = work.kind === 'follows' ? work.identified : undefined
  steps.beforeRead(context, confirmedAgoMs(world, link))
  const server = ask(world, link)
  checkClock(world, link, server)
  const isKnown = identified === link.connections
  const page: Page = {
    events: eventsFrom(server, streamIdOf(position) ?? ''),
    isWhole: true,
    ...(!isKnown && { identity: identityOf(server) }),
  }
  instance.work = { kind: 'follows', identified: link.connections, page }
}

function writeBack(world: World, instance: Instance, state: Restoring): void {
  const { context, link, work } = instance
  const { steps } = world.parts
  if (work.kind === 'writes back') {
    if (world.conditions.minReplicas > 0 && !work.written.isAcknowledged)
      throw new StoreTrouble('0 of 1 replicas acknowledged')
    steps.takeStored(context, state, work.portion)
  } else if (!steps.takeInspection(context, state, inspect(world, instance, state)))
    return void (instance.work = { kind: 'begins' })
  const portion = state.entries.next()
  if (portion.length > 0) {
    const server = ask(world, link)
    commitAt(world, link, server, commitOf(portion))
    const written = { server, offset: server.data.offset, isAcknowledged: false }
    instance.work = { kind: 'writes back', portion, written }
    return
  }
  steps.takeWrittenBack(context, state)
  instance.work = { kind: 'begins' }
}
