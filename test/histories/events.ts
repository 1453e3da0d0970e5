import * as faults from './model/faults.js'
import {
  askPosition,
  canAsk,
  canConnect,
  canTake,
  connectGuard,
  learnPosition,
  takeArrived,
} from './model/guard.js'
import { canStep, step } from './model/instance-steps.js'
import { answer, canAnswer, logout, replicate } from './model/logout.js'
import { loginOf, startMs } from './model/tokens.js'
import { replicaOf, type World } from './model/world.js'

/** Something that happens at once. `can`: whether it may happen now, and could change something. */
export type Event = Readonly<{
  name: string
  can: (world: World) => boolean
  run: (world: World) => void
}>

const always = () => true
const event = (name: string, run: Event['run'], can: Event['can'] = always): Event => ({
  name,
  can,
  run,
})
const both = ['1', '2'] as const
const instanceOf = ({ instances }: World, name: '1' | '2') => instances[name === '1' ? 0 : 1]
const loginNamed = ({ logins }: World, name: string) => logins.find((one) => one.name === name)!

const logsOut = (name: string, scope: 'local' | 'global'): Event[] =>
  both.map((at) =>
    event(
      `${name} logs out${scope === 'global' ? ' everywhere' : ''} at ${at}`,
      (world) => logout(world, loginNamed(world, name), scope, instanceOf(world, at)),
      ({ requests, promised }) =>
        ![...requests, ...promised].some(({ login }) => login.name === name),
    ),
  )

const requestOf = ({ requests }: World, name: string) =>
  requests.find(({ login }) => login.name === name)
const isAnswered = (name: string): Event =>
  event(
    `${name} gets the answer`,
    (world) => answer(world, requestOf(world, name)!),
    (world) => {
      const request = requestOf(world, name)
      return request !== undefined && canAnswer(world, request)
    },
  )

/** A client that logs out. */
export const ana = [...logsOut('Ana', 'local'), isAnswered('Ana')]
export const bea = [...logsOut('Bea', 'global'), isAnswered('Bea')]

/** Ana has a second token of her session, from the beginning of a history. */
export const anaHasTwo = event('Ana has a second token', ({ logins }) => {
  const iatS = startMs / 1000 - 5
  logins.push(loginOf({ name: 'Ana’s second', person: 'Ana', session: 'session', iatS }))
})
export const anaTwice = [...logsOut('Ana’s second', 'local'), isAnswered('Ana’s second')]

/** Bea again, after her logout everywhere; her issuer has the right time. */
export const beaReturns = event(
  'Bea logs in again',
  ({ logins, time }) => {
    const iatS = Math.floor((startMs + time.passedMs) / 1000)
    logins.push(loginOf({ name: 'Bea again', person: 'Bea', iatS }))
  },
  ({ logins }) => !logins.some(({ name }) => name === 'Bea again'),
)

/** An instance reads the store, at once. */
export const reads = both.map((name) =>
  event(
    `${name} reads`,
    (world) => step(world, instanceOf(world, name), true),
    (world) => canStep(world, instanceOf(world, name)),
  ),
)
/** The same, and the answer of the store is late. */
export const readsSlowly = both.flatMap((name) => [
  event(
    `${name} asks the store`,
    (world) => step(world, instanceOf(world, name), false),
    (world) => canStep(world, instanceOf(world, name)) && !isReading(world, name),
  ),
  event(
    `${name} gets its page`,
    (world) => step(world, instanceOf(world, name), false),
    (world) => isReading(world, name),
  ),
])
const isReading = (world: World, name: '1' | '2') => {
  const { work } = instanceOf(world, name)
  return work.kind === 'follows' && work.page !== undefined
}

/** The guard, with each request at an instance of its choice. */
export const guard = [
  ...both.map((name) =>
    event(
      `the guard connects to ${name}`,
      (world) => connectGuard(world, instanceOf(world, name)),
      (world) => canConnect(world.guard),
    ),
  ),
  event('the guard takes what has arrived', takeArrived, (world) => canTake(world.guard)),
  ...both.map((name) =>
    event(
      `the guard asks ${name} for the position`,
      (world) => askPosition(world, instanceOf(world, name)),
      (world) => canAsk(world.guard),
    ),
  ),
  event('the guard gets the position', learnPosition, ({ guard }) => guard.asked !== undefined),
]

export const replicates = event(
  'the replica catches up',
  replicate,
  (world) => (replicaOf(world)?.data.offset ?? Infinity) < world.primary.data.offset,
)

export const passes = (ms: number): Event =>
  event(`${ms / 1000} s pass`, (world) => faults.passTime(world, ms))

/** The primary dies for good, and the replica takes over. */
export const failsOver = event(
  'the primary dies, and the replica takes over',
  (world) => {
    faults.kill(world, world.primary)
    faults.failOver(world)
  },
  (world) => replicaOf(world) !== undefined,
)
export const replicaReturns = event(
  'the other server follows the primary',
  faults.follow,
  (world) => replicaOf(world) === undefined && world.primary.isUp && world.cutOff.size === 0,
)
export const restarts = event('the primary restarts', (world) => faults.restartPrimary(world))
export const dies = event('the primary dies', (world) => faults.kill(world, world.primary))
export const isStopped = [
  event(
    'the primary stops',
    ({ primary }) => void (primary.isPaused = true),
    ({ primary }) => primary.isUp && !primary.isPaused,
  ),
  event(
    'the primary goes on',
    ({ primary }) => faults.resume(primary),
    ({ primary }) => primary.isPaused,
  ),
]

/** A partition: the primary and an instance, or an instance alone. */
export const isCutOff = both.map((name) =>
  event(
    `the primary and ${name} are cut off`,
    ({ cutOff, primary }) => void cutOff.add(primary.name).add(name),
    ({ cutOff }) => cutOff.size === 0,
  ),
)
export const losesStore = both.map((name) =>
  event(
    `${name} is cut off from the store`,
    ({ cutOff }) => void cutOff.add(name),
    ({ cutOff }) => cutOff.size === 0,
  ),
)
/** While the primary lives on, cut off. */
export const takesOver = event('the replica takes over', faults.failOver, ({ cutOff, primary }) =>
  cutOff.has(primary.name),
)
export const heals = event('the network heals', faults.heal, ({ cutOff }) => cutOff.size > 0)

export const instanceRestarts = both.map((name) =>
  event(`${name} restarts`, (world) => faults.restartOf(world, instanceOf(world, name))),
)
export const guardRestarts = event('the guard restarts', faults.restartOfGuard)

const clock = (whose: string, of: (world: World) => Parameters<typeof faults.setClock>[1]) =>
  [7_200_000, -7_200_000, 0].map((ms) =>
    event(
      ms === 0 ? `the clock of ${whose} is right` : `the clock of ${whose} jumps by ${ms / 1000} s`,
      (world) => faults.setClock(world, of(world), ms),
      (world) => of(world).clockIs.aheadMs !== ms,
    ),
  )
export const clocks = [
  ...both.flatMap((name) => clock(name, (world) => instanceOf(world, name))),
  ...clock('the guard', (world) => world.guard),
]
