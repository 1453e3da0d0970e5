import {
  chained,
  compareIds,
  positionOf,
  streamIdOf,
  type FeedEvent,
  type Position,
} from '../../../src/feed/event.js'
import type { Inspection, Page } from '../../../src/feed/feed-source.js'
import type { FollowerContext } from '../../../src/feed/follower-context.js'
import {
  createUnconfirmedWrites,
  type UnconfirmedWrites,
} from '../../../src/feed/unconfirmed-writes.js'
import type { Entry } from '../../../src/revocation/entry.js'
import type { LiveSet } from '../../../src/revocation/live-set.js'
import { createTokenEntries, type TokenEntries } from '../../../src/revocation/token-entries.js'
import type { Clock } from '../../../src/runtime/clock.js'
import { maxStalenessMs, retryMs, silent, sourceOf } from './follower.js'
import { ask, type Link } from './link.js'
import { eventsFrom, type Server } from './server.js'
import { clockAt, giveBack, takeLiveSet, type Time } from './time.js'
import { maxClockSkewMs } from './tokens.js'
import type { Parts, World } from './world.js'

/** What an instance has done of the work of its state. */
type Work =
  | Readonly<{ kind: 'begins' }>
  | Readonly<{ kind: 'inspected'; inspection: Inspection; sinceMs: number; connection: number }>
  | Readonly<{ kind: 'follows'; identified: number | undefined; page?: Page | undefined }>
  | Readonly<{ kind: 'writes back'; portion: readonly Entry[]; written: Written }>
  | Readonly<{ kind: 'settles'; sinceMs: number }>

/** What a commit waits for. */
export type Written = { readonly server: Server; readonly offset: number; isAcknowledged: boolean }

/** What an instance sends to the guard that follows it. */
export type Stream = {
  readonly queue: FeedEvent[]
  sentId: string
  end: 'no' | 'gap' | 'broken'
}

/** A process of the service. */
export type Instance = {
  readonly name: '1' | '2'
  /** How often it was started. */
  life: number
  readonly clockIs: { aheadMs: number }
  /** The jumps of the clock since the start: what is noticed of a clock depends on them. */
  jumpsMs: number[]
  clock: Clock
  context: FollowerContext
  liveSet: LiveSet
  unconfirmed: UnconfirmedWrites
  rules: TokenEntries
  link: Link
  work: Work
  stream: Stream | undefined
}

export type Set = Readonly<{ time: Time; parts: Parts }>

export function createInstance(set: Set, name: Instance['name']): Instance {
  const clockIs = { aheadMs: 0 }
  return { name, life: 1, clockIs, ...startedProcess(set, name, clockIs) }
}

/** All that a process forgets when it ends. */
function startedProcess(
  { time, parts }: Set,
  owner: Instance['name'],
  clockIs: Instance['clockIs'],
) {
  const clock = clockAt(time, clockIs)
  const liveSet = takeLiveSet(clock)
  const unconfirmed = createUnconfirmedWrites({ most: 100, now: clock.now })
  const process: Omit<Instance, 'name' | 'life' | 'clockIs'> = {
    clock,
    liveSet,
    unconfirmed,
    jumpsMs: [],
    rules: createTokenEntries({ now: clock.now, find: liveSet.find, maxClockSkewMs }),
    link: { owner, clock, server: undefined, connections: 0, elected: undefined },
    work: { kind: 'begins' },
    stream: undefined,
    context: parts.createContext({
      source: sourceOf('read'),
      liveSet,
      clock,
      maxStalenessMs,
      retryMs,
      // The model writes back by `writeBack` below.
      ownWrites: { unconfirmed, restore: async () => undefined },
      observer: {
        ...silent,
        onEvents: (events) => publish(process.stream, events),
        onGap: () => void (process.stream && (process.stream.end = 'gap')),
      },
    }),
  }
  return process
}

export function restartInstance(set: Set, instance: Instance): void {
  giveBack(instance.liveSet)
  if (instance.stream !== undefined) instance.stream.end = 'broken'
  const process = startedProcess(set, instance.name, instance.clockIs)
  Object.assign(instance, process, { life: instance.life + 1 })
}

/** As `feed/broadcast.ts` sends events. */
function publish(stream: Stream | undefined, events: readonly FeedEvent[]): void {
  if (stream === undefined || stream.end !== 'no') return
  for (const event of events) {
    if (compareIds(event.id, stream.sentId) <= 0) continue
    stream.queue.push(event)
    stream.sentId = event.id
  }
}

/** As `store-follower.ts`: what snapshots and streams may promise. */
export const servedPosition = ({ context: { state } }: Instance): Position | undefined =>
  state.mode === 'following' ? state.position : undefined

/** As `feed/subscribers.ts` opens a stream; `undefined`: not now. */
export function openStream(world: World, instance: Instance, from: Position): Stream | undefined {
  const held = servedPosition(instance)
  if (held === undefined) return undefined
  const page = eventsFrom(ask(world, instance.link), streamIdOf(from) ?? '')
  const [first] = page
  if (first === undefined || positionOf(first) !== from)
    return { queue: [], sentId: '', end: 'gap' }
  const sentId = page.at(-1)!.id
  // The product reads on until the store has what the instance has.
  if (compareIds(sentId, streamIdOf(held) ?? '') < 0) return undefined
  const stream: Stream = { queue: [first, ...chained(page)], sentId, end: 'no' }
  if (instance.stream !== undefined) instance.stream.end = 'broken'
  instance.stream = stream
  return stream
}
