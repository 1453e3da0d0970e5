// The relay of all links, in a process of its own.
import { obey } from './orders.js'
import { createRelay, type Conditions, type Link } from './relay.js'

export type RelayOrder =
  { open: Link } | { set: Conditions } | { partition: string } | { heal: string } | { cut: string }

const relay = createRelay()
obey<RelayOrder>((order) => {
  if ('open' in order) return relay.open(order.open)
  if ('set' in order) return relay.set(order.set)
  if ('partition' in order) return relay.partition(order.partition)
  if ('heal' in order) return relay.heal(order.heal)
  return relay.cut(order.cut)
})
