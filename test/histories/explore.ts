import { createHash } from 'node:crypto'
import { createRandom } from '../support/random.js'
import { divergenceOf, violationOf, type Violation } from './checks.js'
import { reads, type Event } from './events.js'
import { describeWorld } from './model/describe.js'
import { endFaults, passTime } from './model/faults.js'
import { askPosition, connectGuard, learnPosition, takeArrived } from './model/guard.js'
import { canStep, step } from './model/instance-steps.js'
import type { Instance } from './model/instance.js'
import { replicate } from './model/logout.js'
import {
  createWorld,
  endWorld,
  productParts,
  type Conditions,
  type Parts,
  type World,
} from './model/world.js'

/** A history that breaks a promise: the names of its events, and what is broken. */
export type Counterexample = Readonly<{ events: readonly string[]; violation: Violation }>

export type Setting = Readonly<{
  conditions: Conditions
  events: readonly Event[]
  parts?: Parts
  /** Events that have happened before the history begins. */
  before?: readonly Event[]
  /** What is looked for; by default a broken promise. */
  violates?: (world: World) => Violation | undefined
}>

/** Everything gets its turn: the instances read, and the guard follows one of them. */
export function settle(world: World, rounds: number): void {
  for (let round = 0; round < rounds; round += 1) {
    for (const instance of world.instances) readAll(world, instance)
    const [, second] = world.instances
    if (world.guard.stream === undefined) tick(world, () => connectGuard(world, second))
    tick(world, () => takeArrived(world))
    tick(world, () => askPosition(world, second))
    tick(world, () => learnPosition(world))
    tick(world, () => takeArrived(world))
  }
}

function readAll(world: World, instance: Instance): void {
  for (let turn = 0; turn < 4; turn += 1) {
    replicate(world)
    if (canStep(world, instance)) tick(world, () => step(world, instance, true))
  }
}

function tick(world: World, run: () => void): void {
  world.time.events += 1
  run()
}

/** A world in which all have read everything, and the guard is between two connections. */
function createSettled({ conditions, parts = productParts, before = [] }: Setting): World {
  const world = createWorld(conditions, parts)
  settle(world, 2)
  const { guard, instances } = world
  guard.stream = undefined
  for (const instance of instances) instance.stream = undefined
  for (const { run } of before) tick(world, () => run(world))
  return world
}

/** Ends all faults, and finds out whether all come to say the same. */
function divergenceAfter(world: World): Violation | undefined {
  endFaults(world)
  settle(world, 2)
  passTime(world, 2_500)
  settle(world, 3)
  passTime(world, 2_500)
  settle(world, 3)
  return divergenceOf(world)
}

const find = (setting: Setting, world: World) => (setting.violates ?? violationOf)(world)

/**
 * Runs every order of at most `depth` events, the short ones first.
 *
 * What is left out loses nothing:
 * - What may not happen now (`can`).
 * - Of two histories that lead to the same world (`describeWorld`) the later one: what follows is the
 *   same, and the first one was not longer. So two events that do not touch each other are followed
 *   on in one of their two orders.
 *
 * @param convergesUpTo the number of events of the histories after which all faults end
 * @returns the first counterexample, and how many worlds were found
 */
export function explore(
  setting: Setting,
  depth: number,
  convergesUpTo = depth,
): Readonly<{ counterexample: Counterexample | undefined; worlds: number; histories: number }> {
  const seen = new Set<string>()
  let level: (readonly number[])[] = [[]]
  let histories = 0
  for (let length = 1; length <= depth; length += 1) {
    const longer = level.flatMap((history) =>
      possible(setting, history).map((index) => [...history, index]),
    )
    level = []
    for (const history of longer) {
      histories += 1
      const { isNew, violation } = look(setting, history, seen, length <= convergesUpTo)
      const counterexample = violation && exampleOf(setting, history, violation)
      if (counterexample !== undefined) return { counterexample, worlds: seen.size, histories }
      if (isNew) level.push(history)
    }
  }
  return { counterexample: undefined, worlds: seen.size, histories }
}

const exampleOf = ({ events }: Setting, history: readonly number[], violation: Violation) => ({
  events: history.map((index) => events[index]!.name),
  violation,
})

function replay(setting: Setting, history: readonly number[]): World {
  const world = createSettled(setting)
  for (const index of history) tick(world, () => setting.events[index]!.run(world))
  return world
}

function possible(setting: Setting, history: readonly number[]): number[] {
  const { events } = setting
  const world = replay(setting, history)
  const found = [...events.keys()].filter((index) => events[index]!.can(world))
  endWorld(world)
  return found
}

/** Runs a history, and finds out whether its world is new. */
function look(
  setting: Setting,
  history: readonly number[],
  seen: Set<string>,
  alsoConverges: boolean,
): Readonly<{ isNew: boolean; violation?: Violation | undefined }> {
  const world = replay(setting, history)
  try {
    const violation = find(setting, world)
    if (violation !== undefined) return { isNew: true, violation }
    const id = createHash('sha1').update(describeWorld(world)).digest('base64').slice(0, 16)
    if (seen.has(id)) return { isNew: false }
    seen.add(id)
    return { isNew: true, violation: alsoConverges ? divergenceAfter(world) : undefined }
  } finally {
    endWorld(world)
  }
}

/** Runs `length` events that chance chooses, the same ones for the same seed. */
export function wander(setting: Setting, seed: number, length: number): Counterexample | undefined {
  const random = createRandom(seed)
  // The first numbers of neighbouring seeds are alike.
  for (let skipped = 0; skipped < 8; skipped += 1) random(2)
  const world = createSettled(setting)
  const events: string[] = []
  const counterexample = (violation: Violation | undefined) => violation && { events, violation }
  try {
    while (events.length < length) {
      const able = setting.events.filter(({ can }) => can(world))
      const chosen = random(3) === 0 ? reads[random(2)]! : able[random(able.length)]!
      if (!chosen.can(world)) continue
      events.push(chosen.name)
      tick(world, () => chosen.run(world))
      const violation = find(setting, world)
      if (violation !== undefined) return { events, violation }
    }
    return counterexample(divergenceAfter(world))
  } finally {
    endWorld(world)
  }
}
