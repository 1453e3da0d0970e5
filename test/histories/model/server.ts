import type { FeedIdentity } from '../../../src/feed/continuity.js'
import { compareIds, type FeedEvent } from '../../../src/feed/event.js'
import type { FeedBounds } from '../../../src/feed/feed-source.js'
import type { Commit, CommitResult } from '../../../src/revocation/commit.js'
import type { Entry } from '../../../src/revocation/entry.js'
import { createMemoryEntries } from '../../../src/store/memory-entries.js'
import { startMs } from './tokens.js'
import type { Time } from './time.js'

/** What replication copies, and a disk keeps. */
export type Data = {
  readonly held: Map<string, Entry>
  readonly events: FeedEvent[]
  epoch: string
  added: number
  /** The offset of replication: how many commits this is the result of. */
  offset: number
}

/** A Redis. */
export type Server = {
  readonly name: 'east' | 'west'
  data: Data
  /** What a restart finds. */
  saved: Data
  /** An old copy that an operator may restore. */
  backup: Data
  runId: string
  replicationId: string
  isUp: boolean
  isPaused: boolean
  aheadMs: number
  /** Commits that were sent while it was paused. */
  readonly queue: (() => void)[]
}

/** Redis did not answer, or refused. */
export class StoreTrouble extends Error {
  override readonly name = 'StoreTrouble'
}

export type CreateEntries = typeof createMemoryEntries

const emptyData = (): Data => ({ held: new Map(), events: [], epoch: '', added: 0, offset: 0 })

export const copyOf = (data: Data): Data => ({
  ...data,
  held: new Map(data.held),
  events: [...data.events],
})

export const createServer = (name: Server['name']): Server => ({
  name,
  data: emptyData(),
  saved: emptyData(),
  backup: emptyData(),
  runId: `${name} run 1`,
  replicationId: `${name} replication 1`,
  isUp: true,
  isPaused: false,
  aheadMs: 0,
  queue: [],
})

export const serverNowMs = (time: Time, { aheadMs }: Server): number =>
  startMs + time.passedMs + aheadMs

const nextName = (name: string): string =>
  name.replace(/\d+$/, (number) => String(Number(number) + 1))

/** The server begins anew with some data. A process that begins anew forgets its queue. */
export function restart(server: Server, data: Data): void {
  server.data = copyOf(data)
  server.saved = copyOf(data)
  server.runId = nextName(server.runId)
  server.replicationId = nextName(server.replicationId)
  server.isUp = true
  server.isPaused = false
  server.queue.length = 0
}

export const forgetEverything = (server: Server): void => restart(server, emptyData())

/** A replica becomes a primary. */
export function promote(server: Server): void {
  server.replicationId = nextName(server.replicationId)
}

/** A server takes over everything of its primary. */
export function synchronise(server: Server, { data, replicationId }: Server): void {
  server.data = copyOf(data)
  server.saved = copyOf(data)
  server.replicationId = replicationId
}

/** Redis removes what has expired by its own clock, and does not take it back. */
export function removeExpired(time: Time, server: Server): void {
  const nowMs = serverNowMs(time, server)
  for (const [name, { untilMs }] of server.data.held)
    if (untilMs !== null && untilMs <= nowMs) server.data.held.delete(name)
}

export const identityOf = ({ data, runId, replicationId }: Server): FeedIdentity => ({
  epoch: data.epoch,
  runId,
  replicationId,
})

export const boundsOf = ({ data: { events, added } }: Server): FeedBounds => ({
  firstId: events[0]?.id,
  last: events.at(-1),
  added,
})

export const eventsFrom = ({ data: { events } }: Server, id: string): FeedEvent[] =>
  events.filter((event) => compareIds(event.id, id) >= 0)

function append(time: Time, server: Server, entry: Entry | undefined): void {
  const { data } = server
  const [lastMs = 0, sequence = -1] = data.events.at(-1)?.id.split('-').map(Number) ?? []
  const ms = Math.max(lastMs, serverNowMs(time, server) + time.failures)
  data.events.push({ id: `${ms}-${ms === lastMs ? sequence + 1 : 0}`, entry })
  data.added += 1
}

/** As `openFeed` of `commit.lua`. */
export function openFeed(time: Time, server: Server): void {
  const { data } = server
  if (data.epoch !== '' && data.events.length > 0) return
  data.epoch = `epoch of ${server.runId}`
  append(time, server, undefined)
}

export type Committing = Readonly<{
  time: Time
  createEntries: CreateEntries
  isSavedAtOnce: boolean
}>

/**
 * Does what `commit.lua` does, by the rules that `test/revocation/rules.test.ts` proves equal to
 * that script. Redis counts a life from the clock that is behind, so what it holds, and sends, ends
 * later by its own clock where that is ahead.
 */
export function commitTo(
  { time, createEntries, isSavedAtOnce }: Committing,
  server: Server,
  { commit, callerMs }: Readonly<{ commit: Commit; callerMs: number }>,
): CommitResult {
  const redisMs = serverNowMs(time, server)
  const aheadMs = Math.max(0, redisMs - callerMs)
  const moved = (entry: Entry): Entry =>
    entry.untilMs === null ? entry : { ...entry, untilMs: entry.untilMs + aheadMs }
  removeExpired(time, server)
  openFeed(time, server)
  const rules = createEntries({
    held: server.data.held,
    keyPrefix: '',
    now: () => redisMs,
    append: (entry) => append(time, server, entry),
  })
  const result = rules.commit({
    ...commit,
    entries: commit.entries.map(moved),
  })
  server.data.offset += 1
  if (isSavedAtOnce) server.saved = copyOf(server.data)
  return result
}
