import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from 'prom-client'

/** A metric whose value is read at each scrape: its name, its help, and the read. */
export type ReadAtScrape = readonly [name: string, help: string, read: () => number]

type Labelled = Readonly<{ name: string; help: string; label: string }>
type ByLabel = readonly [label: string, value: number]

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
    add: (metric: object) => registry.registerMetric(metric as Metric),
    /** A counter with one label, which is 0 from the start, to give `rate` a first value. */
    counter<Value extends string>(
      { name, help, label }: Labelled,
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
    /** A gauge with one label, whose values by label are read at each scrape. */
    readLabelledGauge({ name, help, label }: Labelled, read: () => Iterable<ByLabel>) {
      const labelNames = [label]
      const collect = function (this: Gauge) {
        this.reset()
        for (const [text, value] of read()) this.set({ [label]: text }, value)
      }
      new Gauge({ name, help, labelNames, registers, collect })
    },
    /** A counter with one label, whose counts by label are read at each scrape. */
    readLabelledCounter({ name, help, label }: Labelled, read: () => Iterable<ByLabel>) {
      const labelNames = [label]
      const collect = function (this: Counter) {
        this.reset()
        for (const [text, count] of read()) this.inc({ [label]: text }, count)
      }
      new Counter({ name, help, labelNames, registers, collect })
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

function add(read: () => number) {
  return function (this: Counter) {
    this.reset()
    this.inc(read())
  }
}
