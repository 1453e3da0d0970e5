import { createLabelledCounter, createLabelledHistogram } from './labelled-metrics.js'
import type { Outages } from './outages.js'
import { createRegistry, type MetricRegistry, type ReadAtScrape } from './registry.js'
import { readKeySets, readOutages, type KeySetAge } from './trouble-metrics.js'

/** Metrics for Prometheus. No label names a subject, a token, a client or a client's address. */
export type Metrics = {
  /**
   * Counts an answered request. `operation` is absent when no path matched; `seconds` are those
   * from the head of the request to its answer.
   */
  request(operation: string | undefined, status: number, seconds: number): void
  /** Counts a command to the store, which many requests may share. */
  store(command: StoreCommand, seconds: number, failed: boolean): void
  /** Counts a connection to Redis that is replaced, or could not be made. */
  reconnected(reason: ReconnectReason): void
  /** Counts stored revocations by kind of key and by reason. */
  revoked(keys: readonly string[], reason: string): void
  /** Counts a request that a limit refused. */
  limited(policy: (typeof policies)[number]): void
  /** Adds the values that are read from their sources at each scrape. */
  watch(sources: Sources): void
  /** All metrics, in the text format of `contentType`. */
  text(): Promise<string>
  contentType: string
}

const storeCommands = ['read', 'lookup', 'commit', 'delete'] as const
export type StoreCommand = (typeof storeCommands)[number]

const reconnectReasons = [
  'closed',
  'failed',
  'silent',
  'readonly',
  'moved',
  'ask',
  'tryagain',
  'clusterdown',
  'failover',
  'no_majority',
] as const
/**
 * Why a connection to Redis was replaced; `failed`: it could not be made. `failover`, `no_majority`:
 * the sentinels name another primary, or none.
 */
export type ReconnectReason = (typeof reconnectReasons)[number]

const policies = ['address', 'subject'] as const

export type Sources = Readonly<{
  liveSet: { size(): number; bytes(): number }
  follower: {
    seenAtMs(): number
    startTookMs(): number
    counts(): Readonly<{ gaps: number; historyLost: number; restored: number }>
  }
  subscribers: { count(): number; largestLagMs(): number }
  stores: { primary(): string | undefined }
  audit: { counts(): Readonly<{ trailFailures: number; sampledOut: number }> }
  outages: Pick<Outages, 'ongoing'>
  keySets: () => readonly KeySetAge[]
  now: () => number
}>

const kinds = {
  t: 'token',
  s: 'session',
  u: 'subject',
  j: 'token_id',
  n: 'subject_without_session',
} as const

/** The metrics of one instance, in a registry of their own. */
export function createMetrics({ version }: { version: string }): Metrics {
  const registry = createRegistry({ version })
  const requests = requestMetrics(registry)
  const store = storeMetrics(registry)
  const revocations = createLabelledCounter({
    name: 'cierre_revocations_total',
    help: 'Revocations that this instance stored.',
    labelNames: ['kind', 'reason'],
  })
  registry.add(revocations.metric)
  const limited = { name: 'cierre_limited_total', help: 'Requests that a limit refused.' }
  return {
    request: requests,
    store,
    revoked: (keys, reason) =>
      keys.forEach((key) => revocations.count(kinds[key.charAt(0) as keyof typeof kinds], reason)),
    reconnected: registry.counter(
      {
        name: 'cierre_store_reconnects_total',
        help: 'Connections to Redis that were replaced, or could not be made.',
        label: 'reason',
      },
      reconnectReasons,
    ),
    limited: registry.counter({ ...limited, label: 'policy' }, policies),
    watch(sources) {
      registry.readGauges(gaugesOf(sources))
      registry.readCounters(countersOf(sources))
      readOutages(registry, sources.outages)
      readKeySets(registry, sources.keySets, sources.now)
      registry.readLabelledGauge(
        {
          name: 'cierre_store_primary',
          help: 'Always 1; the label is the address of the Redis that this instance is connected to.',
          label: 'address',
        },
        () => {
          const address = sources.stores.primary()
          return address === undefined ? [] : [[address, 1]]
        },
      )
    },
    text: registry.text,
    contentType: registry.contentType,
  }
}

function requestMetrics(registry: MetricRegistry): Metrics['request'] {
  const counter = createLabelledCounter({
    name: 'cierre_requests_total',
    help: 'Answered requests.',
    labelNames: ['operation', 'status'],
  })
  const durations = createLabelledHistogram({
    name: 'cierre_request_duration_seconds',
    help: 'Time from the head of a request to its answer.',
    labelName: 'operation',
  })
  registry.add(counter.metric)
  registry.add(durations.metric)
  return (operation = 'none', status, seconds) => {
    counter.count(operation, status)
    durations.observe(operation, seconds)
  }
}

function storeMetrics(registry: MetricRegistry): Metrics['store'] {
  const durations = createLabelledHistogram({
    name: 'cierre_store_duration_seconds',
    help: 'Time of a store command; many requests may share one.',
    labelName: 'command',
  })
  registry.add(durations.metric)
  const failed = registry.counter(
    {
      name: 'cierre_store_errors_total',
      help: 'Store commands that failed or ran out of time.',
      label: 'command',
    },
    storeCommands,
  )
  return (command, seconds, hasFailed) => {
    durations.observe(command, seconds)
    if (hasFailed) failed(command)
  }
}

const gaugesOf = ({ liveSet, follower, subscribers, now }: Sources): ReadAtScrape[] => [
  [
    'cierre_live_revocations',
    'Revocations that this instance holds in memory.',
    () => liveSet.size(),
  ],
  ['cierre_live_revocations_bytes', 'Memory that these revocations take.', () => liveSet.bytes()],
  ['cierre_feed_connections', 'Connections that follow the feed.', () => subscribers.count()],
  [
    'cierre_feed_lag_seconds',
    'Time since the slowest connection had read all that this instance had for it; 0 when all have.',
    () => subscribers.largestLagMs() / 1000,
  ],
  [
    'cierre_feed_staleness_seconds',
    'Time since this instance last knew that it has every revocation; +Inf before the first time.',
    () => (now() - follower.seenAtMs()) / 1000,
  ],
  [
    'cierre_start_seconds',
    'Time from the start of this instance until it had every revocation; +Inf before that.',
    () => follower.startTookMs() / 1000,
  ],
]

const countersOf = ({ follower, audit }: Sources): ReadAtScrape[] => [
  [
    'cierre_feed_gaps_total',
    'Times that the feed had a gap and had to be resynced.',
    () => follower.counts().gaps,
  ],
  [
    'cierre_history_lost_total',
    'Times that Redis was found to have lost revocations.',
    () => follower.counts().historyLost,
  ],
  [
    'cierre_revocations_restored_total',
    'Revocations that were written back after such a loss.',
    () => follower.counts().restored,
  ],
  [
    'cierre_audit_failures_total',
    'Audit events that could not be written to the trail.',
    () => audit.counts().trailFailures,
  ],
  [
    'cierre_audit_sampled_total',
    'Refusals that were counted instead of recorded.',
    () => audit.counts().sampledOut,
  ],
]
