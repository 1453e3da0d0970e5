import { expect } from 'chai'
import { acceptedAfter200, checkersOf, violationOf, type Violation } from './checks.js'
import * as events from './events.js'
import type { Event } from './events.js'
import { explore, type Setting } from './explore.js'
import * as faults from './model/faults.js'
import { askPosition, connectGuard, learnPosition, takeArrived } from './model/guard.js'
import { forgetEverything } from './model/server.js'
import { loginOf, startMs } from './model/tokens.js'
import { safeConditions, type World } from './model/world.js'

const happens = (name: string, run: (world: World) => void): Event => ({
  name,
  can: () => true,
  run,
})
const named = (all: readonly Event[], ...names: RegExp[]) =>
  all.filter(({ name }) => names.some((one) => one.test(name)))

const anaAt = (name: '1' | '2') => named(events.ana, new RegExp(`at ${name}$`), /answer/)
const anaIsOut = anaAt('1')
const [read1, read2] = events.reads as [Event, Event]
const restart1 = named(events.instanceRestarts, /1/)
const threeHours = 10_800_000

/** What is not the subject of a limit does not cure it. */
const lone = { ...safeConditions, minReplicas: 0, url: 'plain' } as const

type Limit = Readonly<{
  name: string
  depth: number
  found: Setting
  /** The same with the cure: nothing is found. */
  cured?: Setting
}>

/** Nothing is looked for before the end: then all faults have ended, and all had their turn. */
const atTheEndAlone = () => undefined
const violationWith = (text: string) => (world: World) => {
  const violation = violationOf(world)
  return violation && Object.values(violation).includes(text) ? violation : undefined
}
const beyondTheBound = violationWith('accepted beyond the bound')
const byTheGuard = violationWith('the guard')

const jump = (who: 'store' | 'both', ms: number): Event =>
  happens(
    `the clock of the ${who === 'store' ? 'store' : 'store and of 1'} is ${ms} ms ahead`,
    (world) => {
      const { instances, primary } = world
      faults.setServerClock(world, primary, ms)
      if (who === 'both') faults.setClock(world, instances[0], ms)
    },
  )
const newGuard = happens('a new guard asks 1', (world) => {
  const [one] = world.instances
  faults.restartOfGuard(world)
  connectGuard(world, one)
  takeArrived(world)
  askPosition(world, one)
  learnPosition(world)
})
const logsIn = (name: string, given: Readonly<{ aheadS?: number; lifeS?: number }>): Event =>
  happens(`${name} has another token`, ({ logins }) => {
    const iatS = startMs / 1000 + (given.aheadS ?? -5)
    const [person = ''] = name.split(' ')
    const session = person === 'Ana' ? 'session' : undefined
    logins.push(loginOf({ name, person, session, iatS, lifeS: given.lifeS ?? 3_600 }))
  })
const isAccepted =
  (name: string) =>
  (world: World): Violation | undefined => {
    const login = world.logins.find((one) => one.name === name)
    const checker = checkersOf(world).find(
      ({ says }) => login !== undefined && says(login).says === 'accepted',
    )
    return world.promised.length > 0 && checker
      ? { what: 'accepted though logged out everywhere', checker: checker.name, login: name }
      : undefined
  }

const restore = happens('an old copy is restored', (world) =>
  faults.restartPrimary(world, world.primary.backup),
)
const flush = happens('the store loses everything', ({ primary, time }) => {
  time.failures += 1
  forgetEverything(primary)
})

const flushed: Setting = {
  conditions: lone,
  events: [...anaAt('1'), flush],
  violates: atTheEndAlone,
}
/** The old primary goes on with 1, the new one with 2. */
const inTwoHalves = {
  before: [...named(events.isCutOff, /1/), events.takesOver],
  events: [...anaAt('2'), events.passes(3_000), ...events.reads],
}

const limits: Limit[] = [
  {
    name: 'APIs with the guard: a token works until its revocation arrives',
    depth: 3,
    found: {
      conditions: safeConditions,
      events: [...anaAt('1'), events.replicates],
      violates: (world) =>
        acceptedAfter200(world)
          ? { what: 'accepted within the bound', checker: '', login: 'Ana' }
          : undefined,
    },
    cured: {
      conditions: safeConditions,
      events: [...anaAt('1'), events.replicates, events.passes(5_500)],
      violates: beyondTheBound,
    },
  },
  {
    name: 'revocations that Redis loses: without appendfsync always',
    depth: 4,
    found: {
      conditions: { ...lone, appendfsync: 'everysec' },
      events: [...anaAt('1'), events.restarts, read2],
    },
    cured: { conditions: lone, events: [...anaAt('1'), events.restarts, read2] },
  },
  {
    name: 'revocations that Redis loses: after a restore',
    depth: 4,
    found: { conditions: lone, events: [...anaAt('1'), restore, read2] },
    cured: { conditions: lone, events: [...anaAt('1'), events.restarts, read2] },
  },
  {
    name: 'what no instance holds in memory is lost',
    depth: 4,
    found: { ...flushed, events: [...flushed.events, ...restart1] },
    cured: flushed,
  },
  // An acknowledgement of another replica than the one that takes over is none: the model has one.
  {
    name: 'a replica that lagged takes over',
    depth: 5,
    found: {
      conditions: lone,
      events: [...anaAt('1'), events.replicates, events.failsOver, read2],
    },
    cured: {
      conditions: { ...lone, minReplicas: 1 },
      events: [...anaAt('1'), events.replicates, events.failsOver, read2],
    },
  },
  {
    name: 'Redis in two halves, with a plain URL: no bound',
    depth: 5,
    found: { conditions: lone, ...inTwoHalves, violates: beyondTheBound },
    cured: { conditions: { ...lone, url: 'sentinel' }, ...inTwoHalves, violates: beyondTheBound },
  },
  {
    name: 'Redis in two halves, with sentinels: a 200 between two questions is missing on the new primary',
    depth: 6,
    found: {
      conditions: { ...lone, url: 'sentinel' },
      events: [...anaAt('1'), ...named(events.isCutOff, /1/), events.takesOver, ...events.reads],
    },
    cured: {
      conditions: safeConditions,
      events: [...anaAt('1'), ...named(events.isCutOff, /1/), events.takesOver, ...events.reads],
    },
  },
  {
    name: 'a client that can write to Redis can delete revocations',
    depth: 6,
    found: {
      conditions: safeConditions,
      events: [
        ...anaAt('1'),
        events.replicates,
        happens('the keys are deleted', ({ primary }) => primary.data.held.clear()),
        ...restart1,
        read1,
      ],
      before: [read1],
    },
  },
  {
    name: 'tokens that outlive SESSION_MAX_LIFETIME_S',
    depth: 4,
    found: {
      conditions: lone,
      before: [logsIn('Ana later', { lifeS: 20_000 })],
      events: [...anaAt('1'), events.passes(7_300_000), read2],
    },
    cured: {
      conditions: lone,
      before: [logsIn('Ana later', { lifeS: 7_200 })],
      events: [...anaAt('1'), events.passes(7_300_000), read2],
    },
  },
  {
    name: 'a clock of Redis that was set ahead: what expired meanwhile is gone',
    depth: 7,
    found: {
      conditions: lone,
      events: [...anaAt('1'), jump('store', threeHours), jump('store', 0), ...restart1, read1],
    },
    cured: { conditions: lone, events: [...anaAt('1'), jump('store', 0), ...restart1, read1] },
  },
  {
    name: 'two clocks that are wrong alike are not noticed',
    depth: 5,
    found: {
      conditions: lone,
      before: anaIsOut,
      events: [jump('both', threeHours), ...restart1, read1, newGuard],
      violates: byTheGuard,
    },
    cured: {
      conditions: lone,
      before: anaIsOut,
      events: [jump('store', threeHours), ...restart1, read1, newGuard],
      violates: byTheGuard,
    },
  },
  {
    name: 'a logout everywhere spares tokens that an issuer with a fast clock has dated into the next seconds',
    depth: 3,
    found: {
      conditions: lone,
      before: [logsIn('Bea early', { aheadS: 5 })],
      events: [...named(events.bea, /at 1$/, /answer/), read1],
      violates: isAccepted('Bea early'),
    },
  },
]

const isAtTheEnd = ({ violates }: Setting) => violates === atTheEndAlone

describe('the limits that SECURITY.md admits are limits, and no more', function () {
  this.timeout(600_000)
  for (const { name, depth, found, cured } of limits)
    it(name, () => {
      const { counterexample } = explore(found, depth, isAtTheEnd(found) ? depth : 0)
      expect(counterexample, 'the history').to.be.an('object')
      if (cured !== undefined)
        expect(
          explore(cured, depth, isAtTheEnd(cured) ? depth : 0).counterexample,
          'the history with the cure',
        ).to.equal(undefined)
    })
})
