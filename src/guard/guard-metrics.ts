import type { GuardStats } from './stats.js'

/** A `Registry` of prom-client (version 14 or later), or what takes the same metrics. */
export type MetricsRegister = Readonly<{ registerMetric(metric: object): void }>

type Line = Readonly<{ labels: Readonly<Record<string, string>>; value: number }>
type Lines = (stats: GuardStats) => readonly Line[]
type Kind = Readonly<{
  type: 'gauge' | 'counter'
  /** How prom-client's cluster mode joins the values of several processes. */
  aggregator: 'sum' | 'min' | 'max'
}>
type Row = readonly [name: string, kind: Kind, help: string, lines: Lines]

const gauge: Kind = { type: 'gauge', aggregator: 'sum' }
const counter: Kind = { type: 'counter', aggregator: 'sum' }

const one =
  (read: (stats: GuardStats) => number): Lines =>
  (stats) => [{ labels: {}, value: read(stats) }]

const perKeySet =
  (read: (keySet: GuardStats['keySets'][number]) => number): Lines =>
  ({ keySets }) =>
    keySets.map((keySet) => ({
      labels: { issuer: keySet.issuer ?? '(any)' },
      value: read(keySet),
    }))

const perOutcome: Lines = ({ checks }) =>
  Object.entries(checks).map(([outcome, value]) => ({ labels: { outcome }, value }))

const rows: readonly Row[] = [
  [
    'fresh',
    { ...gauge, aggregator: 'min' },
    '1 while the guard knows every revocation that is older than its maxStalenessMs, else 0.',
    one(({ fresh }) => Number(fresh)),
  ],
  [
    'staleness_seconds',
    { ...gauge, aggregator: 'max' },
    'Time since the guard last knew every revocation; +Inf before the first time.',
    one(({ stalenessMs }) => stalenessMs / 1000),
  ],
  ['revocations', gauge, 'Revocations that are held.', one(({ revocations }) => revocations)],
  ['revocations_bytes', gauge, 'Memory of these revocations.', one(({ bytes }) => bytes)],
  ['tokens', gauge, 'Verified tokens that are remembered.', one(({ remembered }) => remembered)],
  ['watched_tokens', gauge, 'Tokens that are watched.', one(({ watched }) => watched)],
  ['checks_total', counter, 'Checks, by outcome; unknown is a 503.', perOutcome],
  ['snapshots_total', counter, 'Snapshots that were taken.', one(({ snapshots }) => snapshots)],
  [
    'gaps_total',
    counter,
    'Gaps of the feed, each followed by a snapshot.',
    one(({ gaps }) => gaps),
  ],
  [
    'reconnects_total',
    counter,
    'Times that the feed was followed anew after an error.',
    one(({ reconnects }) => reconnects),
  ],
  [
    'key_set_age_seconds',
    { ...gauge, aggregator: 'max' },
    'Time since the key set of an issuer was fetched; +Inf before the first time.',
    perKeySet(({ ageMs }) => ageMs / 1000),
  ],
  [
    'key_set_failures_total',
    counter,
    'Fetches of the key set of an issuer that failed.',
    perKeySet(({ failures }) => failures),
  ],
]

/** Registers the metrics of a guard. Their values are read at each scrape. */
export function registerMetrics(register: MetricsRegister, stats: () => GuardStats): void {
  for (const [name, kind, help, lines] of rows) {
    const described = { name: `cierre_guard_${name}`, help, ...kind }
    register.registerMetric({
      ...described,
      get: async () => ({ ...described, values: lines(stats()) }),
      // A registry calls this to forget values. Those of a guard are in the guard.
      reset: () => undefined,
    })
  }
}
