import type { AuditTrail } from '../audit/trail.js'

export type TrailCaps = Readonly<{ maxEvents: number; maxAgeMs: number; now: () => number }>

/** The embedded trail keeps at most this many events: it shares its memory with the revocations. */
const mostEmbedded = 10_000

/** The embedded trail; a restart forgets it. */
type Kept = Readonly<{ atMs: number; sequence: number; event: string }>
const idOf = ({ atMs, sequence }: Kept) => `${atMs}-${sequence}`

export function memoryAuditTrail({ maxEvents, maxAgeMs, now }: TrailCaps): AuditTrail {
  let events: Kept[] = []
  let appended = 0
  const kept = Math.min(maxEvents, mostEmbedded)
  return {
    async append(event) {
      events.push({ atMs: now(), sequence: (appended += 1), event })
      // Drops a third at a time, so that the cost of moving the rest is spread.
      if (events.length >= kept * 1.5) events = events.slice(-kept)
    },
    async read(before, count) {
      const [, last = Infinity] = before?.split('-').map(Number) ?? []
      return events
        .filter(({ sequence }) => sequence < last)
        .slice(-count)
        .reverse()
        .map((kept) => ({ id: idOf(kept), event: kept.event }))
    },
    async delete(ids) {
      const [unwanted, before] = [new Set(ids), events.length]
      events = events.filter((kept) => !unwanted.has(idOf(kept)))
      return before - events.length
    },
    async trim() {
      const oldestMs = now() - maxAgeMs
      const index = events.findIndex(({ atMs }) => atMs >= oldestMs)
      events = index === -1 ? [] : events.slice(index)
    },
  }
}
