import { restartGuard } from './guard.js'
import { restartInstance, type Instance } from './instance.js'
import { giveUpLate } from './logout.js'
import { takeTimeOfGuard } from './guard.js'
import { takeTimeOfInstance } from './instance-steps.js'
import { promote, removeExpired, restart, synchronise, type Data, type Server } from './server.js'
import type { World } from './world.js'

/** Who is made to fail: a process, the network, a clock. Every fault ends with `endFaults`. */

const otherThan = ({ servers }: World, server: Server): Server =>
  server === servers.east ? servers.west : servers.east

const disconnect = ({ instances }: World, server: Server) => {
  for (const { link } of instances) if (link.server === server) link.server = undefined
}

/** The replica is made the primary, whatever the primary does. */
export function failOver(world: World): void {
  world.time.failures += 1
  world.primary = otherThan(world, world.primary)
  promote(world.primary)
}

export function kill(world: World, server: Server): void {
  server.isUp = false
  server.isPaused = false
  server.queue.length = 0
  disconnect(world, server)
}

/** The primary begins again with what was saved, or with something else. */
export function restartPrimary(world: World, data: Data = world.primary.saved): void {
  world.time.failures += 1
  kill(world, world.primary)
  restart(world.primary, data)
}

/** A server that is not the primary any more, or lost its own, follows the primary. */
export function follow(world: World): void {
  const server = otherThan(world, world.primary)
  if (!server.isUp) restart(server, server.saved)
  server.isPaused = false
  synchronise(server, world.primary)
  disconnect(world, server)
}

export function resume(server: Server): void {
  server.isPaused = false
  for (const run of server.queue.splice(0)) run()
}

export function heal(world: World): void {
  world.cutOff.clear()
  follow(world)
}

export const restartOf = (world: World, instance: Instance): void =>
  restartInstance(world, instance)
export const restartOfGuard = (world: World): void => restartGuard(world, world.guard)

/** Sets a wall clock, and lets its owner look at it. */
export function setClock(world: World, whose: Instance | World['guard'], aheadMs: number): void {
  whose.clockIs.aheadMs = aheadMs
  whose.jumpsMs.push(aheadMs)
  lookAtClocks(world)
}

export function setServerClock(world: World, server: Server, aheadMs: number): void {
  server.aheadMs = aheadMs
  removeExpired(world.time, server)
}

export function passTime(world: World, ms: number): void {
  world.time.passedMs += ms
  for (const server of Object.values(world.servers)) removeExpired(world.time, server)
  giveUpLate(world)
  lookAtClocks(world)
}

const sweptAtOnce = 300

function lookAtClocks(world: World): void {
  for (const instance of world.instances) takeTimeOfInstance(world, instance)
  takeTimeOfGuard(world)
  for (const { liveSet } of [...world.instances, world.guard])
    if (liveSet.size() > 0) liveSet.sweep(sweptAtOnce)
}

/** Everything works again. */
export function endFaults(world: World): void {
  const { servers, instances, guard, primary } = world
  world.cutOff.clear()
  for (const server of Object.values(servers)) if (server.isPaused) resume(server)
  if (!primary.isUp) restartPrimary(world)
  for (const whose of [...instances, guard])
    if (whose.clockIs.aheadMs !== 0) setClock(world, whose, 0)
  for (const server of Object.values(servers)) setServerClock(world, server, 0)
  follow(world)
}
