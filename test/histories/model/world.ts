import { createContext } from '../../../src/feed/follower-context.js'
import * as steps from '../../../src/feed/follower-steps.js'
import { createMemoryEntries } from '../../../src/store/memory-entries.js'
import { createGuard, type Guard } from './guard.js'
import { createInstance, type Instance } from './instance.js'
import type { Request } from './logout.js'
import { copyOf, createServer, openFeed, type CreateEntries, type Server } from './server.js'
import { giveBack, type Time } from './time.js'
import { loginOf, startMs, type Login } from './tokens.js'

/** How the service is run. */
export type Conditions = Readonly<{
  /** `REDIS_MIN_REPLICAS`; there is one replica. */
  minReplicas: 0 | 1
  /** `always`, or a restart may find an earlier state. */
  appendfsync: 'always' | 'everysec'
  /** `REDIS_URL`: one address, or the sentinels. */
  url: 'plain' | 'sentinel'
}>

/** As SECURITY.md and OPERATING.md want it. */
export const safeConditions: Conditions = {
  minReplicas: 1,
  appendfsync: 'always',
  url: 'sentinel',
}

/** The parts of the product that a history runs. A test may give broken ones. */
export type Parts = Readonly<{
  steps: typeof steps
  createContext: typeof createContext
  createEntries: CreateEntries
}>
export const productParts: Parts = {
  steps,
  createContext,
  createEntries: createMemoryEntries,
}

/** A client that was told that a login has ended, and when. */
export type Promised = Readonly<{ login: Login; atMs: number }>

export type World = {
  readonly conditions: Conditions
  readonly parts: Parts
  readonly time: Time
  readonly servers: Readonly<Record<'east' | 'west', Server>>
  /** The server that the URL leads to, or that the sentinels name. */
  primary: Server
  /** Who is on the smaller side of a partition of the network of the service. */
  readonly cutOff: Set<string>
  readonly instances: readonly [Instance, Instance]
  readonly guard: Guard
  /** The logins that may log out, and those that a client holds besides. */
  readonly logins: Login[]
  readonly requests: Request[]
  readonly promised: Promised[]
  /** What a logout was asked for, whatever was answered: logins, and cutoffs of persons. */
  readonly asked: Readonly<{ logins: Set<Login>; cutoffs: Map<string, number> }>
}

const iatS = startMs / 1000 - 10

/** Everything is at rest: both instances and the guard have read everything, and nothing is revoked. */
export function createWorld(conditions: Conditions, parts: Parts = productParts): World {
  const time: Time = { passedMs: 0, events: 0, failures: 0 }
  const [east, west] = [createServer('east'), createServer('west')]
  openFeed(time, east)
  for (const server of [east, west]) {
    server.data = copyOf(east.data)
    server.saved = copyOf(east.data)
    server.backup = copyOf(east.data)
    server.replicationId = east.replicationId
  }
  const logins = [
    loginOf({ name: 'Ana', person: 'Ana', session: 'session', iatS }),
    loginOf({ name: 'Bea', person: 'Bea', iatS }),
    loginOf({ name: 'Cleo', person: 'Cleo', session: 'other', iatS }),
  ]
  const set = { time, parts }
  return {
    conditions,
    parts,
    time,
    servers: { east, west },
    primary: east,
    cutOff: new Set(),
    instances: [createInstance(set, '1'), createInstance(set, '2')],
    guard: createGuard(set),
    logins,
    requests: [],
    promised: [],
    asked: { logins: new Set(), cutoffs: new Map() },
  }
}

/** The live sets may be used by another history. */
export function endWorld({ instances, guard }: World): void {
  for (const { liveSet } of [...instances, guard]) giveBack(liveSet)
}

/** The server that follows the primary, while it can. */
export function replicaOf(world: World): Server | undefined {
  const { primary, servers, cutOff } = world
  const replica = primary === servers.east ? servers.west : servers.east
  const isFollowing =
    primary.isUp &&
    !primary.isPaused &&
    replica.isUp &&
    replica.replicationId === primary.replicationId &&
    cutOff.has(primary.name) === cutOff.has(replica.name)
  return isFollowing ? replica : undefined
}
