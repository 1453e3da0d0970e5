import { createLabelledCounter } from './labelled-metrics.js'
import { createRegistry, type ReadAtScrape } from './registry.js'

/** What an agent measures, for Prometheus. No label names a subject, a token or an address. */
export type AgentMetrics = {
  /** One answered check, by its status and the code of its refusal, or `active`. */
  checked(status: number, code: string): void
  /** Adds the values that are read from the guard at each scrape. */
  watch(stats: () => AgentStats): void
  /** All metrics, in the text format of `contentType`. */
  text(): Promise<string>
  contentType: string
}

type AgentStats = Readonly<{
  stalenessMs: number
  revocations: number
  bytes: number
  remembered: number
  snapshots: number
  gaps: number
  reconnects: number
}>

/** The metrics of one agent, in a registry of their own. */
export function createAgentMetrics({ version }: { version: string }): AgentMetrics {
  const registry = createRegistry({ version })
  const checks = createLabelledCounter({
    name: 'cierre_agent_checks_total',
    help: 'Answered checks.',
    labelNames: ['code', 'status'],
  })
  registry.add(checks.metric)
  return {
    checked: (status, code) => checks.count(code, status),
    watch(stats) {
      registry.readGauges(gaugesOf(stats))
      registry.readCounters(countersOf(stats))
    },
    text: registry.text,
    contentType: registry.contentType,
  }
}

const gaugesOf = (stats: () => AgentStats): ReadAtScrape[] => [
  [
    'cierre_agent_staleness_seconds',
    'Time since the agent last knew every revocation; +Inf before the first time.',
    () => stats().stalenessMs / 1000,
  ],
  [
    'cierre_agent_revocations',
    'Revocations that the agent holds in memory.',
    () => stats().revocations,
  ],
  ['cierre_agent_revocations_bytes', 'Memory that these revocations take.', () => stats().bytes],
  ['cierre_agent_tokens', 'Verified tokens that the agent remembers.', () => stats().remembered],
]

const countersOf = (stats: () => AgentStats): ReadAtScrape[] => [
  ['cierre_agent_snapshots_total', 'Snapshots that the agent took.', () => stats().snapshots],
  ['cierre_agent_gaps_total', 'Gaps of the feed, each followed by a snapshot.', () => stats().gaps],
  [
    'cierre_agent_reconnects_total',
    'Times that the agent began to follow the feed anew after an error.',
    () => stats().reconnects,
  ],
]
