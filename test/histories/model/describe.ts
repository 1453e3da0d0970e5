import { unpackEntry, wordsPerEntry } from '../../../src/revocation/packed-entry.js'
import type { LiveSet } from '../../../src/revocation/live-set.js'
import type { Moment } from '../../../src/feed/freshness.js'
import { positionOf } from '../../../src/feed/event.js'
import type { Instance } from './instance.js'
import { startMs } from './tokens.js'
import type { Server } from './server.js'
import type { World } from './world.js'

/**
 * Everything that what follows depends on, as text: two worlds with the same text have the same
 * future. A moment counts only by the time that has passed and by the answers that clients had got
 * before it: nothing else is compared with it.
 */
export function describeWorld(world: World): string {
  const { servers, instances, guard, requests, promised, asked, logins, time, cutOff, primary } =
    world
  const moment = (of: Moment | undefined) =>
    of && [of.nowMs - startMs, promised.filter(({ atMs }) => atMs < of.monotonicMs).length]
  const follower = ({ context, liveSet, jumpsMs, clockIs }: Instance | World['guard']) => [
    context.state,
    moment(context.provenAt),
    moment(context.readAt),
    entriesOf(liveSet),
    jumpsMs,
    clockIs.aheadMs,
  ]
  return JSON.stringify([
    time.passedMs,
    time.failures,
    primary.name,
    [...cutOff].sort(),
    Object.values(servers).map(serverFacts),
    instances.map((instance) => [
      ...follower(instance),
      workOf(instance),
      unconfirmed(instance),
      linkOf(instance),
      electedOf(instance, promised),
      instance.life,
      instance.stream,
    ]),
    follower(guard),
    guard.snapshot?.map((piece) => piece.toString('base64')),
    guard.stream === undefined
      ? undefined
      : instances.findIndex(({ stream }) => stream === guard.stream),
    guard.stream,
    guard.last && positionOf(guard.last),
    guard.asked && [moment(guard.asked.askedAt), guard.asked.target, guard.heldSince],
    requests.map(({ login, scope, instance, life, server, done }) => [
      login.name,
      scope,
      instance.name,
      life,
      server.name,
      done && [done.wasRevoked, done.entries, done.written.offset, done.written.isAcknowledged],
    ]),
    promised.map(({ login }) => login.name),
    [...asked.logins].map(({ name }) => name).sort(),
    [...asked.cutoffs],
    logins.length,
  ])
}

const serverFacts = (server: Server) => {
  const { data, saved, runId, replicationId, isUp, isPaused, aheadMs, queue } = server
  const factsOf = ({ held, events, epoch, added, offset }: Server['data']) => [
    [...held.values()],
    events.map(positionOf),
    epoch,
    added,
    offset,
  ]
  const isSaved = saved.offset === data.offset
  return [
    factsOf(data),
    isSaved ? undefined : factsOf(saved),
    runId,
    replicationId,
    isUp,
    isPaused,
    aheadMs,
    queue.length,
  ]
}

const words = new Uint32Array(64 * wordsPerEntry)
function entriesOf(liveSet: LiveSet): unknown[] {
  const count = liveSet.size() === 0 ? 0 : liveSet.iterate()(words)
  return Array.from({ length: count }, (_, index) =>
    unpackEntry(words, index * wordsPerEntry),
  ).sort((one, other) => (one.key < other.key ? -1 : 1))
}

/** Which of its writes an instance will miss at the end of this read, and of later ones. */
const unconfirmed = ({ unconfirmed: writes, context: { round } }: Instance) =>
  writes.size() === 0 ? [] : [writes.missing(round), writes.missing(round + 1)]

/** Whether the connection is the one that the work began with is in `identified`. */
const linkOf = ({ link: { server, connections }, work }: Instance): unknown[] => [
  server?.name,
  'identified' in work && work.identified === connections,
  'connection' in work && work.connection === connections,
]

const electedOf = ({ link: { elected } }: Instance, promised: World['promised']): unknown =>
  elected && [
    elected.server.name,
    elected.askedAtMs - (elected.askedAtMs % 100),
    promised.filter(({ atMs }) => atMs < elected.askedAtMs).length,
  ]

/** What an instance waits for, without what only counts events. */
function workOf({ work }: Instance): unknown[] {
  const sinceMs = 'sinceMs' in work ? work.sinceMs - (work.sinceMs % 100) : undefined
  switch (work.kind) {
    case 'begins':
    case 'settles':
      return [work.kind, sinceMs]
    case 'inspected':
      return [work.kind, work.inspection, sinceMs]
    case 'follows':
      return [work.kind, work.identified !== undefined, work.page]
    case 'writes back':
      return [work.kind, work.portion, work.written.server.name, work.written.isAcknowledged]
  }
}
