import { pino } from 'pino'
import { createOutages, type Outage } from '../../src/telemetry/outages.js'

const clock = { now: Date.now, monotonicMs: () => performance.now() }

/** Outages of a store and of its feed that no log tells. */
export function quietOutages(): Readonly<Record<'store' | 'feed' | 'sessions', Outage>> {
  const outages = createOutages(pino({ level: 'silent' }), clock)
  const open = (outage: 'store' | 'feed' | 'sessions') => outages.open({ outage, meanwhile: '' })
  return { store: open('store'), feed: open('feed'), sessions: open('sessions') }
}
