import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from 'prom-client'

/** What is measured, for a Prometheus. No label names a subject, a token, a client or an address. */
export type Metrics = {
  /** One answered request; `operation` is absent where no path was met. Seconds, up to when the answer was ready. */
  request(operation: string | undefined, status: number, seconds: number): void
  /** One command to the store, of which many requests may share one. */
  store(command: StoreCommand, seconds: number, failed: boolean): void
  /** Stored revocations, by kind of their key and why. */
  revoked(keys: readonly string[], reason: string): void
  /** A request that a limit refused. */
  limited(policy: 'address' | 'subject'): void
  /** Adds what is read at each scrape. */
  watch(sources: Sources): void
  /** Everything, in the text format of `contentType`. */
  text(): Promise<string>
  contentType: string
}

export type StoreCommand = 'read' | 'lookup' | 'commit' | 'delete'

export type Sources = Readonly<{
  liveSet: { size(): number; bytes(): number }
  follower: {
    seenAtMs(): number
    counts(): Readonly<{ gaps: number; historyLost: number; restored: number }>
  }
  subscribers: { count(): number }
  audit: { counts(): Readonly<{ trailFailures: number; sampledOut: number }> }
  now: () => number
}>

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const kinds = { t: 'token', s: 'session', u: 'subject', j: 'token_id' } as const

export function createMetrics({ version }: { version: string }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'cierre_build_info',
    help: 'Always 1; the version is the label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const timeRequest = histogram(
    registry,
    'cierre_request_duration_seconds',
    'Time from the head of a request to its answer.',
    'operation',
  )
  const timeStore = histogram(
    registry,
    'cierre_store_duration_seconds',
    'Time of a store command; many requests may share one.',
    'command',
  )
  const storeErrors = new Counter({
    name: 'cierre_store_errors_total',
    help: 'Store commands that failed or ran out of time.',
    labelNames: ['command'],
    registers,
  })
  const limited = new Counter({
    name: 'cierre_limited_total',
    help: 'Requests that a limit refused.',
    labelNames: ['policy'],
    registers,
  })
  // There from the start, so that a rate over them has somewhere to begin.
  for (const policy of ['address', 'subject']) limited.inc({ policy }, 0)
  for (const command of ['read', 'lookup', 'commit', 'delete']) storeErrors.inc({ command }, 0)

  // Added up here and handed over at each scrape: for every request, prom-client's own way is dear.
  const tally = <Label extends string>(name: string, help: string, labelNames: [Label, Label]) => {
    const counts = new Map<string, Map<string | number, number>>()
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [first, seconds] of counts) {
          for (const [second, count] of seconds) this.labels(first, String(second)).inc(count)
        }
      },
    })
    return (first: string, second: string | number) => {
      const seconds = counts.get(first) ?? new Map<string | number, number>()
      counts.set(first, seconds.set(second, (seconds.get(second) ?? 0) + 1))
    }
  }
  const countRequest = tally('cierre_requests_total', 'Answered requests.', ['operation', 'status'])
  const countRevocation = tally(
    'cierre_revocations_total',
    'Revocations that this instance stored.',
    ['kind', 'reason'],
  )

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  return {
    request(operation = 'none', status, seconds) {
      countRequest(operation, status)
      timeRequest(operation, seconds)
    },
    store(command, seconds, failed) {
      timeStore(command, seconds)
      if (failed) storeErrors.inc({ command })
    },
    revoked: (keys, reason) =>
      keys.forEach((key) => countRevocation(kinds[key.charAt(0) as keyof typeof kinds], reason)),
    limited: (policy) => limited.inc({ policy }),
    watch({ liveSet, follower, subscribers, audit, now }) {
      gauge(
        'cierre_live_revocations',
        'Revocations that this instance holds in memory.',
        liveSet.size,
      )
      gauge('cierre_live_revocations_bytes', 'Memory that is taken for them.', liveSet.bytes)
      gauge('cierre_feed_connections', 'Connections that follow the feed.', subscribers.count)
      gauge(
        'cierre_feed_staleness_seconds',
        'Time since this instance last knew that it has every revocation; +Inf before the first time.',
        () => (now() - follower.seenAtMs()) / 1000,
      )
      counter(
        'cierre_feed_gaps_total',
        'Times that the feed had to be joined anew.',
        () => follower.counts().gaps,
      )
      counter(
        'cierre_history_lost_total',
        'Times that Redis was found to have lost revocations.',
        () => follower.counts().historyLost,
      )
      counter(
        'cierre_revocations_restored_total',
        'Revocations that were written back after such a loss.',
        () => follower.counts().restored,
      )
      counter(
        'cierre_audit_failures_total',
        'Audit events that the trail did not take.',
        () => audit.counts().trailFailures,
      )
      counter(
        'cierre_audit_sampled_total',
        'Refusals that were counted instead of recorded.',
        () => audit.counts().sampledOut,
      )
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/**
 * A histogram that is added up here. prom-client's own looks up the labels of every observation, and its bucket by the name of its
 * bound, which costs more than all other metrics of a request.
 */
function histogram(
  registry: Registry,
  name: string,
  help: string,
  label: string,
): (value: string, seconds: number) => void {
  type Observed = { counts: number[]; sum: number }
  const seen = new Map<string, Observed>()
  const lines = ([value, { counts, sum }]: [string, Observed]) => {
    const upTo = counts.map((_, at) => counts.slice(0, at + 1).reduce((all, count) => all + count))
    return [
      ...upTo.map((count, at) => ({
        metricName: `${name}_bucket`,
        labels: { [label]: value, le: buckets[at] ?? '+Inf' },
        value: count,
      })),
      { metricName: `${name}_sum`, labels: { [label]: value }, value: sum },
      { metricName: `${name}_count`, labels: { [label]: value }, value: upTo.at(-1) ?? 0 },
    ]
  }
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({ ...metric, values: [...seen].flatMap(lines) }),
  }
  registry.registerMetric(metric as unknown as Metric)
  return (value, seconds) => {
    const of = seen.get(value) ?? {
      counts: Array.from({ length: buckets.length + 1 }, () => 0),
      sum: 0,
    }
    seen.set(value, of)
    const bucket = buckets.findIndex((bound) => seconds <= bound)
    of.counts[bucket === -1 ? buckets.length : bucket]! += 1
    of.sum += seconds
  }
}
