import { expect } from 'chai'
import { Counter, Histogram, Registry, type Metric } from 'prom-client'
import {
  createLabelledCounter,
  createLabelledHistogram,
  histogramBuckets,
  type PlainMetric,
} from '../../src/telemetry/labelled-metrics.js'

const textOf = async (metric: PlainMetric) => {
  const registry = new Registry()
  registry.registerMetric(metric as unknown as Metric)
  return linesOf(registry)
}
/** The lines and labels in order, since prom-client's order does not matter. */
const linesOf = async (registry: Registry) =>
  (await registry.metrics())
    .split('\n')
    .map((line) =>
      line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join()}}`),
    )
    .sort()

describe('our own counter and histogram', () => {
  it('a counter prints what that of prom-client prints', async () => {
    const description = { name: 'a_total', help: 'A.' }
    const ours = createLabelledCounter({ ...description, labelNames: ['operation', 'status'] })
    const theirs = new Registry()
    const counter = new Counter({
      ...description,
      labelNames: ['operation', 'status'],
      registers: [theirs],
    })
    for (const [operation, status] of [
      ['logout', 200],
      ['logout', 401],
      ['logout', 200],
      ['a "quoted" one', 200],
    ] as const) {
      ours.count(operation, status)
      counter.inc({ operation, status })
    }
    expect(await textOf(ours.metric)).to.deep.equal(await linesOf(theirs))
  })

  it('a histogram prints what that of prom-client prints: at bounds, between and beyond them', async () => {
    const description = { name: 'a_seconds', help: 'A.' }
    const ours = createLabelledHistogram({ ...description, labelName: 'command' })
    const theirs = new Registry()
    const histogram = new Histogram({
      ...description,
      labelNames: ['command'],
      buckets: [...histogramBuckets],
      registers: [theirs],
    })
    for (const seconds of [0, 0.001, 0.0011, 0.25, 10, 10.5, 60]) {
      for (const command of ['read', 'commit']) {
        ours.observe(command, seconds)
        histogram.observe({ command }, seconds)
      }
    }
    expect(await textOf(ours.metric)).to.deep.equal(await linesOf(theirs))
  })
})
