import type { ServerResponse } from 'node:http'
import { trafficOf } from './traffic.js'

/** What a reader must take, averaged over the last `overMs`. */
export type LeastRate = Readonly<{ bytesPerS: number; overMs: number }>

/** Says of one reader, each time it is looked at, whether it takes less than it must. A reader that is new has `overMs` to begin. */
export function createRateRule({
  bytesPerS,
  overMs,
}: LeastRate): (nowMs: number, takenBytes: number) => boolean {
  const seen: { atMs: number; takenBytes: number }[] = []
  return (nowMs, takenBytes) => {
    seen.push({ atMs: nowMs, takenBytes })
    // The first is the newest that is old enough.
    while (seen[1] !== undefined && nowMs - seen[1].atMs >= overMs) seen.shift()
    const [first] = seen
    if (first === undefined || nowMs - first.atMs < overMs) return false
    return (takenBytes - first.takenBytes) * 1000 < bytesPerS * (nowMs - first.atMs)
  }
}

/** Holds the reader of an answer to a rate until the answer is sent; the connection of one that is too slow ends in the middle. */
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
