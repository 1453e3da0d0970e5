import { number, optional, readObject, wholeNumber, type Report } from '../token/options.js'
import { memberOf } from './template.js'

const limits = {
  requests: wholeNumber(1, 100_000),
  seconds: number(1, 86_400),
  answerSeconds: number(0.1, 600),
  delaySeconds: number(0, 3_600),
  watchSeconds: number(0, 86_400),
  outageSeconds: number(0, 600),
}

/** How much the doctor may do, and for how long; the file gives seconds. */
export function readLimits(value: unknown, report: Report) {
  const given = (value === undefined ? {} : readObject(value, Object.keys(limits), report)) ?? {}
  const limit = (name: keyof typeof limits, otherwise: number) =>
    optional(limits[name], given[name], memberOf(report, name)) ?? otherwise
  return {
    times: {
      answerMs: limit('answerSeconds', 5) * 1000,
      delayMs: limit('delaySeconds', 5) * 1000,
      watchMs: limit('watchSeconds', 10) * 1000,
      outageMs: limit('outageSeconds', 6) * 1000,
    },
    maxRequests: limit('requests', 1_000),
    maxMs: limit('seconds', 300) * 1000,
  }
}
