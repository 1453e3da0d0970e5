import { createLabelledCounter } from './labelled-metrics.js'
import type { Outages } from './outages.js'
import { createRegistry } from './registry.js'
import { readOutages } from './trouble-metrics.js'

/** What an agent measures, for Prometheus. No label names a subject, a token or an address. */
export type AgentMetrics = {
  /** One answered check, by its status and the code of its refusal, or `active`. */
  checked(status: number, code: string): void
  /** Adds the metrics of the agent's guard. */
  registerMetric(metric: object): void
  /** All metrics, in the text format of `contentType`. */
  text(): Promise<string>
  contentType: string
}

/** The metrics of one agent, in a registry of their own. */
export function createAgentMetrics(
  parts: Readonly<{ version: string; outages: Pick<Outages, 'ongoing'> }>,
): AgentMetrics {
  const registry = createRegistry(parts)
  const checks = createLabelledCounter({
    name: 'cierre_agent_checks_total',
    help: 'Answered checks.',
    labelNames: ['code', 'status'],
  })
  registry.add(checks.metric)
  readOutages(registry, parts.outages)
  return {
    checked: (status, code) => checks.count(code, status),
    registerMetric: registry.add,
    text: registry.text,
    contentType: registry.contentType,
  }
}
