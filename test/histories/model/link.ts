import { pino } from 'pino'
import type { Commit, CommitResult } from '../../../src/revocation/commit.js'
import type { Clock } from '../../../src/runtime/clock.js'
import { createClockCheck } from '../../../src/store/redis/clock-check.js'
import { maxStalenessMs } from './follower.js'
import { commitTo, serverNowMs, StoreTrouble, type Server } from './server.js'
import { momentMs } from './time.js'
import { maxClockSkewMs } from './tokens.js'
import type { World } from './world.js'

/** The connection of an instance to its Redis, as `store/redis/connection.ts` keeps it. */
export type Link = {
  readonly owner: '1' | '2'
  readonly clock: Clock
  server: Server | undefined
  connections: number
  /** What the majority of the sentinels named last, and when they were asked. */
  elected: Readonly<{ server: Server; askedAtMs: number }> | undefined
}

const log = pino({ level: 'silent' })
const toleranceMs = maxClockSkewMs + 1_000
/** As `servers.ts` gives it to `sentinelTopology`. */
const electedForMs = maxStalenessMs / 2

const isConnected = ({ cutOff }: World, owner: string, server: Server) =>
  server.isUp && cutOff.has(owner) === cutOff.has(server.name)

/** The sentinels are on the larger side. An instance on the other side has no majority. */
function elect(world: World, link: Link): Server {
  if (world.cutOff.has(link.owner)) throw lost(link, 'no majority of the sentinels')
  link.elected = { server: world.primary, askedAtMs: momentMs(world.time) }
  return world.primary
}

function lost(link: Link, why: string): StoreTrouble {
  link.server = undefined
  return new StoreTrouble(why)
}

export function confirmedAgoMs(world: World, { server, elected }: Link): number {
  if (world.conditions.url === 'plain') return 0
  return elected !== undefined && elected.server === server
    ? momentMs(world.time) - elected.askedAtMs
    : Infinity
}

/**
 * The server that a command goes to, after a new connection where one is needed. Sentinels are asked
 * as rarely as the service may ask them.
 *
 * @throws StoreTrouble without a connection
 */
export function connect(world: World, link: Link): Server {
  const isElected = world.conditions.url === 'sentinel'
  if (link.server === undefined) {
    const named = isElected ? elect(world, link) : world.primary
    if (!isConnected(world, link.owner, named)) throw lost(link, 'no connection')
    link.server = named
    link.connections += 1
  }
  const { server } = link
  if (!isConnected(world, link.owner, server)) throw lost(link, 'the connection is closed')
  if (isElected && confirmedAgoMs(world, link) > electedForMs && elect(world, link) !== server)
    throw lost(link, 'a failover')
  return server
}

/** The same, for a server that answers now. */
export function ask(world: World, link: Link): Server {
  const server = connect(world, link)
  if (server.isPaused) throw new StoreTrouble('no answer in time')
  return server
}

/** @throws ClockDiffers, as the scripts do that read and write */
export function checkClock(
  world: World,
  { clock }: Link,
  server: Server,
  callerMs = clock.now(),
): void {
  const check = createClockCheck({ now: clock.now, toleranceMs, log })
  check.check(callerMs - serverNowMs(world.time, server))
}

/**
 * @param callerMs the time of the instance when it sent the commit
 * @throws ClockDiffers
 */
export function commitAt(
  world: World,
  link: Link,
  server: Server,
  commit: Commit,
  callerMs = link.clock.now(),
): CommitResult {
  checkClock(world, link, server, callerMs)
  const { time, parts, conditions } = world
  const isSavedAtOnce = conditions.appendfsync === 'always'
  const { createEntries } = parts
  return commitTo({ time, createEntries, isSavedAtOnce }, server, { commit, callerMs })
}
