import * as events from './events.js'
import type { Event } from './events.js'
import type { Setting } from './explore.js'
import { safeConditions } from './model/world.js'

const named = (all: readonly Event[], ...names: RegExp[]) =>
  all.filter(({ name }) => names.some((one) => one.test(name)))

/** Two clients, two instances, a store, its replica and a guard. */
const common = [
  ...named(events.ana, /at 1$/, /answer/),
  ...named(events.bea, /at 2$/, /answer/),
  ...events.reads,
  ...named(events.guard, /connects to 2/, /takes/, /asks 1/, /gets/),
  events.replicates,
]
const plain = { ...safeConditions, url: 'plain' } as const

/** Small sets of events, each of which is explored in every order. */
export const small: Readonly<Record<string, Setting>> = {
  'the replica takes over': { conditions: plain, events: [...common, events.failsOver] },
  'the store restarts': { conditions: plain, events: [...common, events.restarts] },
  'an instance restarts': {
    conditions: plain,
    events: [...common, ...named(events.instanceRestarts, /1/)],
  },
  'answers of the store are late': {
    conditions: plain,
    events: [...common, ...named(events.readsSlowly, /1/)],
  },
  'a partition, with sentinels': {
    conditions: safeConditions,
    events: [
      ...named(events.ana, /./),
      ...events.reads,
      events.replicates,
      ...named(events.isCutOff, /1/),
      events.takesOver,
      events.passes(3_000),
      events.heals,
    ],
  },
}

/** Everything that may fail without a promise being broken, for long histories by chance. */
export const large: Setting = {
  conditions: safeConditions,
  before: [events.anaHasTwo],
  events: [
    ...events.ana,
    ...events.anaTwice,
    ...events.bea,
    events.beaReturns,
    ...events.reads,
    ...events.readsSlowly,
    ...events.guard,
    events.replicates,
    events.failsOver,
    events.replicaReturns,
    events.restarts,
    events.dies,
    ...events.isStopped,
    ...events.isCutOff,
    ...events.losesStore,
    events.takesOver,
    events.heals,
    ...events.instanceRestarts,
    events.guardRestarts,
    ...events.clocks,
    events.passes(500),
    events.passes(1_500),
    events.passes(4_000),
  ],
}
