import type { RedisClient } from './redis.js'
import { auditKey } from './store.js'

/** Where audit events stay: append-only, capped by count and age. */
export type AuditTrail = {
  /** @throws whatever the sink throws */
  append(event: string): Promise<void>
  /**
   * Events with their ids, newest first.
   *
   * @param before only what is older than this id
   */
  read(before: string | undefined, count: number): Promise<{ id: string; event: string }[]>
  /** Drops what is too old. */
  trim(): Promise<void>
}

export type TrailCaps = Readonly<{ maxEvents: number; maxAgeMs: number; now: () => number }>

/** The Redis stream `cierre:{c}:audit`; each entry has one field, `e`, a JSON object. */
export function redisAuditTrail(
  redis: RedisClient,
  { maxEvents, maxAgeMs, now }: TrailCaps,
): AuditTrail {
  return {
    async append(event) {
      await redis.xAdd(
        auditKey,
        '*',
        { e: event },
        { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: maxEvents } },
      )
    },
    async read(before, count) {
      const found = await redis.xRevRange(
        auditKey,
        before === undefined ? '+' : `(${before}`,
        '-',
        { COUNT: count },
      )
      return found.map(({ id, message }) => ({ id, event: String(message['e']) }))
    },
    // XADD cannot trim by length and by age at once.
    async trim() {
      await redis.xTrim(auditKey, 'MINID', Math.max(0, Math.floor(now() - maxAgeMs)), {
        strategyModifier: '~',
      })
    },
  }
}

/** What the embedded trail keeps at most: its memory is that of the revocations. */
const mostEmbedded = 10_000

/** The embedded trail; a restart forgets it. */
export function memoryAuditTrail({ maxEvents, maxAgeMs, now }: TrailCaps): AuditTrail {
  let events: { atMs: number; sequence: number; event: string }[] = []
  let appended = 0
  const kept = Math.min(maxEvents, mostEmbedded)
  return {
    async append(event) {
      events.push({ atMs: now(), sequence: (appended += 1), event })
      // Half of it at once, so that the cost of moving the rest is spread.
      if (events.length >= kept * 1.5) events = events.slice(-kept)
    },
    async read(before, count) {
      const [, last = Infinity] = before?.split('-').map(Number) ?? []
      return events
        .filter(({ sequence }) => sequence < last)
        .slice(-count)
        .reverse()
        .map(({ atMs, sequence, event }) => ({ id: `${atMs}-${sequence}`, event }))
    },
    async trim() {
      const oldest = now() - maxAgeMs
      const keep = events.findIndex(({ atMs }) => atMs >= oldest)
      events = keep === -1 ? [] : events.slice(keep)
    },
  }
}
