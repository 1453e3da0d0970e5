import type { ServerResponse } from 'node:http'
import { trafficOf } from './traffic.js'

/** The least rate at which a client must read, averaged over the last `overMs`. */
export type LeastRate = Readonly<{ bytesPerS: number; overMs: number }>

/**
 * The rule for one reader: called at intervals with the bytes taken so far, it returns whether the
 * reader is too slow. A new reader has `overMs` to begin.
 */
export function createRateRule({
  bytesPerS,
  overMs,
}: LeastRate): (nowMs: number, takenBytes: number) => boolean {
  const samples: { atMs: number; takenBytes: number }[] = []
  return (nowMs, takenBytes) => {
    samples.push({ atMs: nowMs, takenBytes })
    // Of the samples that are at least `overMs` old, only the newest is kept.
    while (samples[1] !== undefined && nowMs - samples[1].atMs >= overMs) samples.shift()
    const [first] = samples
    if (first === undefined || nowMs - first.atMs < overMs) return false
    return (takenBytes - first.takenBytes) * 1000 < bytesPerS * (nowMs - first.atMs)
  }
}

/** Checks the reader of an answer until it is sent, and closes the connection of a slow one. */
export function requireReadingRate(
  response: ServerResponse,
  rate: LeastRate,
  checkEveryMs: number,
  onSlow: () => void,
): void {
  const { socket } = response
  if (socket === null) return
  const isTooSlow = createRateRule(rate)
  const check = () => {
    if (!isTooSlow(performance.now(), trafficOf(socket).takenBytes)) return
    onSlow()
    response.destroy()
  }
  check()
  const timer = setInterval(check, checkEveryMs).unref()
  response.once('close', () => clearInterval(timer))
}
