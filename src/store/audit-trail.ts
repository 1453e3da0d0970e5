import type { RedisClient } from './redis.js'
import { auditKey } from './store.js'

/** Where audit events stay: append-only, capped by count and age. */
export type AuditTrail = {
  /** @throws whatever the sink throws */
  append(event: string): Promise<void>
  /** Drops what is too old. */
  trim(): Promise<void>
}

export type TrailCaps = Readonly<{ maxEvents: number; maxAgeMs: number; now: () => number }>

/** The Redis stream `cierre:{c}:audit`; each entry has one field, `e`, a JSON object. */
export function redisAuditTrail(redis: RedisClient, { maxEvents, maxAgeMs, now }: TrailCaps): AuditTrail {
  return {
    async append(event) {
      await redis.xAdd(auditKey, '*', { e: event }, { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: maxEvents } })
    },
    // XADD cannot trim by length and by age at once.
    async trim() {
      await redis.xTrim(auditKey, 'MINID', Math.max(0, Math.floor(now() - maxAgeMs)), { strategyModifier: '~' })
    },
  }
}

/** The embedded trail; a restart forgets it. */
export function memoryAuditTrail({ maxEvents, maxAgeMs, now }: TrailCaps): AuditTrail {
  let events: { atMs: number; event: string }[] = []
  return {
    async append(event) {
      events.push({ atMs: now(), event })
      // Half of it at once, so that the cost of moving the rest is spread.
      if (events.length >= maxEvents * 1.5) events = events.slice(-maxEvents)
    },
    async trim() {
      const oldest = now() - maxAgeMs
      const keep = events.findIndex(({ atMs }) => atMs >= oldest)
      events = keep === -1 ? [] : events.slice(keep)
    },
  }
}
