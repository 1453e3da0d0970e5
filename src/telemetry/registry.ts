import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from 'prom-client'
import type { PlainMetric } from './labelled-metrics.js'

/** A metric whose value is read at each scrape: its name, its help, and the read. */
export type ReadAtScrape = readonly [name: string, help: string, read: () => number]

export type MetricRegistry = ReturnType<typeof createRegistry>

/** The metrics of one process, with those of Node and the version. */
export function createRegistry({ version }: { version: string }) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'cierre_build_info',
    help: 'Always 1; the version is the label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  return {
    // A registry calls `get` and reads name, help, type and values; its type demands a class of
    // prom-client.
    add: (metric: PlainMetric) => registry.registerMetric(metric as unknown as Metric),
    /** A counter with one label, which is 0 from the start, to give `rate` a first value. */
    counter<Value extends string>(
      { name, help, label }: Readonly<{ name: string; help: string; label: string }>,
      values: readonly Value[],
    ): (value: Value) => void {
      const counter = new Counter({ name, help, labelNames: [label], registers })
      for (const value of values) counter.inc({ [label]: value }, 0)
      return (value) => counter.inc({ [label]: value })
    },
    readGauges(gauges: readonly ReadAtScrape[]) {
      for (const [name, help, read] of gauges)
        new Gauge({ name, help, registers, collect: set(read) })
    },
    readCounters(counters: readonly ReadAtScrape[]) {
      for (const [name, help, read] of counters)
        new Counter({ name, help, registers, collect: add(read) })
    },
    /** A gauge that is 1 for the text that is read at each scrape. */
    readLabel(
      { name, help, label }: Readonly<{ name: string; help: string; label: string }>,
      read: () => string | undefined,
    ) {
      const labelNames = [label]
      new Gauge({ name, help, labelNames, registers, collect: setLabel(label, read) })
    },
    /** All metrics, in the text format of `contentType`. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function set(read: () => number) {
  return function (this: Gauge) {
    this.set(read())
  }
}

function setLabel(label: string, read: () => string | undefined) {
  return function (this: Gauge) {
    this.reset()
    const value = read()
    if (value !== undefined) this.set({ [label]: value }, 1)
  }
}

function add(read: () => number) {
  return function (this: Counter) {
    this.reset()
    this.inc(read())
  }
}
