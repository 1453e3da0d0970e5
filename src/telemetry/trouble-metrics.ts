import type { Outages } from './outages.js'
import type { MetricRegistry } from './registry.js'

/** What is known of the key set of an issuer. */
export type KeySetAge = Readonly<{
  /** `(any)` where tokens of any issuer are accepted. */
  issuer: string
  /** Epoch milliseconds of the last fetch that succeeded; `undefined` before the first. */
  loadedAtMs: number | undefined
  /** Fetches that failed. */
  failures: number
}>

/** Adds whether each thing that may be out is out, in the words of the log. */
export function readOutages(registry: MetricRegistry, { ongoing }: Pick<Outages, 'ongoing'>): void {
  registry.readLabelledGauge(
    {
      name: 'cierre_outage',
      help: '1 while the log has an outage of this name that is not over, else 0.',
      label: 'what',
    },
    () => [...ongoing()].map(([name, isOngoing]) => [name, Number(isOngoing)]),
  )
}

/** Adds age and failures of the key sets that are fetched. */
export function readKeySets(
  registry: MetricRegistry,
  keySets: () => readonly KeySetAge[],
  now: () => number,
): void {
  const label = 'issuer'
  registry.readLabelledGauge(
    {
      name: 'cierre_key_set_age_seconds',
      help: 'Time since the key set of an issuer was fetched; +Inf before the first time.',
      label,
    },
    () =>
      keySets().map(({ issuer, loadedAtMs = -Infinity }) => [issuer, (now() - loadedAtMs) / 1000]),
  )
  registry.readLabelledCounter(
    {
      name: 'cierre_key_set_failures_total',
      help: 'Fetches of the key set of an issuer that failed.',
      label,
    },
    () => keySets().map(({ issuer, failures }) => [issuer, failures]),
  )
}
