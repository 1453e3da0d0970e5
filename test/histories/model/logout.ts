import { commitOf, type Preconditions } from '../../../src/revocation/commit.js'
import type { Entry } from '../../../src/revocation/entry.js'
import { isHeldForGood, isKnownForGood, missingForGood } from '../../../src/revocation/lasting.js'
import { ClockDiffers } from '../../../src/revocation/store-errors.js'
import type { Scope } from '../../../src/revocation/token-entries.js'
import type { RevocationKey } from '../../../src/token/keys.js'
import type { Instance, Written } from './instance.js'
import { commitAt, connect } from './link.js'
import { serverNowMs, StoreTrouble, synchronise, type Server } from './server.js'
import { momentMs } from './time.js'
import { startMs, type Login } from './tokens.js'
import { replicaOf, type World } from './world.js'

/** A logout on its way. */
export type Request = {
  readonly login: Login
  readonly scope: Scope
  readonly instance: Instance
  readonly life: number
  readonly server: Server
  readonly sentMs: number
  /** What the store answers, once it has run the commit. */
  done: Readonly<{ entries: readonly Entry[]; written: Written; wasRevoked: boolean }> | undefined
}

/** The deadline of the store: later than this the client gets a 500. */
const storeTimeoutMs = 1_000

/** The logins that the answer promises to have ended: a 401 speaks of the presented one alone. */
function endedBy({ logins, time }: World, { login, scope, sentMs, done }: Request): Login[] {
  if (done?.wasRevoked === true) return [login]
  const nowS = (startMs + time.passedMs - (momentMs(time) - sentMs)) / 1000
  return logins.filter(
    (one) =>
      one === login ||
      (one.person === login.person && one.session !== undefined && one.session === login.session) ||
      (scope === 'global' && one.person === login.person && issuedS(one) <= nowS),
  )
}

const issuedS = ({ token }: Login) => Number(token.claims.iat)

/** Notes what may be refused from now on: a login within two seconds of a logout everywhere, too. */
function noteAsked(world: World, { login, scope, instance }: Request): void {
  const { asked, time } = world
  for (const one of world.logins)
    if (one === login || (one.session !== undefined && one.session === login.session))
      asked.logins.add(one)
  if (scope === 'local') return
  const cutoffS = (startMs + time.passedMs + instance.clockIs.aheadMs) / 1000 + 2
  asked.cutoffs.set(login.person, Math.max(cutoffS, asked.cutoffs.get(login.person) ?? 0))
}

export const mayBeRefused = ({ asked }: World, login: Login): boolean =>
  asked.logins.has(login) || issuedS(login) <= (asked.cutoffs.get(login.person) ?? 0)

/** An instance gets a logout, and sends its commit. A Redis that is stopped runs it later. */
export function logout(world: World, login: Login, scope: Scope, instance: Instance): void {
  let server: Server
  try {
    server = connect(world, instance.link)
  } catch (error) {
    if (error instanceof StoreTrouble) return
    throw error
  }
  const { life } = instance
  const sentMs = momentMs(world.time)
  const request: Request = { login, scope, instance, life, server, sentMs, done: undefined }
  noteAsked(world, request)
  world.requests.push(request)
  const { rules, clock } = instance
  const built = {
    preconditions: rules.preconditionsOf(login.token),
    entries: rules.entriesOf([login.token], scope),
    callerMs: clock.now(),
  }
  const run = () => runCommit(world, request, built)
  if (server.isPaused) server.queue.push(run)
  else run()
}

type Built = Readonly<{
  preconditions: Preconditions
  entries: readonly Entry[]
  callerMs: number
}>

/** As `revocations.ts` commits, with the decisions of `lasting.ts`. */
function runCommit(
  world: World,
  request: Request,
  { preconditions, entries, callerMs }: Built,
): void {
  const { instance, server } = request
  const { liveSet, link, clock } = instance
  const commit = (what: ReturnType<typeof commitOf>) =>
    commitAt(world, link, server, what, callerMs).outcome
  try {
    let stored = entries
    const wasRevoked = commit(commitOf(entries, { preconditions })) === 'already_revoked'
    if (wasRevoked) {
      const held = preconditions.keys.map((key) => lookup(server, key))
      const aheadMs = clock.now() - serverNowMs(world.time, server)
      const isForGood =
        (preconditions.isKnownRevoked && isKnownForGood(liveSet, preconditions)) ||
        isHeldForGood(
          held.map((one) => moved(one, aheadMs)),
          preconditions,
        )
      const awaitsReplicas = world.conditions.minReplicas > 0
      stored = missingForGood(entries, preconditions, { isForGood, awaitsReplicas })
      if (stored.length > 0) commit(commitOf(stored))
    }
    const written = { server, offset: server.data.offset, isAcknowledged: false }
    request.done = { entries: stored, written, wasRevoked }
  } catch (error) {
    if (!(error instanceof ClockDiffers)) throw error
    giveUp(world, request)
  }
}

const lookup = (server: Server, key: RevocationKey) => server.data.held.get(key)
const moved = (entry: Entry | undefined, byMs: number): Entry | undefined =>
  entry === undefined || entry.untilMs === null
    ? entry
    : { ...entry, untilMs: entry.untilMs + byMs }

function giveUp({ requests }: World, request: Request): void {
  const index = requests.indexOf(request)
  if (index >= 0) requests.splice(index, 1)
}

/** Whether the answer of the store, with the acknowledgement that it waits for, can arrive now. */
export function canAnswer({ conditions, cutOff }: World, request: Request): boolean {
  const { instance, life, server, done } = request
  return (
    done !== undefined &&
    (conditions.minReplicas === 0 || done.written.isAcknowledged) &&
    instance.life === life &&
    instance.link.server === server &&
    server.isUp &&
    !server.isPaused &&
    cutOff.has(instance.name) === cutOff.has(server.name)
  )
}

/** 200, or 401 because the token is revoked already: both say that it is refused from now on. */
export function answer(world: World, request: Request): void {
  const { instance, done } = request
  giveUp(world, request)
  for (const entry of done?.entries ?? []) {
    world.parts.steps.takeOwnWrite(instance.context, entry)
    instance.liveSet.add(entry)
  }
  const atMs = momentMs(world.time)
  for (const login of endedBy(world, request)) world.promised.push({ login, atMs })
}

/** 500: the client knows nothing, and may ask again. */
export function giveUpLate(world: World): void {
  const nowMs = momentMs(world.time)
  for (const request of [...world.requests])
    if (nowMs - request.sentMs >= storeTimeoutMs) giveUp(world, request)
}

/** The replica gets everything, and acknowledges it. */
export function replicate(world: World): void {
  const replica = replicaOf(world)
  if (replica === undefined) return
  synchronise(replica, world.primary)
  const written = [
    ...world.requests.map(({ done }) => done?.written),
    ...world.instances.map(({ work }) => (work.kind === 'writes back' ? work.written : undefined)),
  ]
  for (const one of written)
    if (one?.server === world.primary && one.offset <= replica.data.offset)
      one.isAcknowledged = true
}
