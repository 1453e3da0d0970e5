import type { AuditTrail } from '../../audit/trail.js'
import type { TrailCaps } from '../memory-audit-trail.js'
import { auditKey } from '../names.js'
import type { RedisLink } from './connection.js'

/** The Redis stream `cierre:{c}:audit`. Each entry has one field, `e`, a JSON object. */
export function redisAuditTrail(
  link: Pick<RedisLink, 'client'>,
  { maxEvents, maxAgeMs, now }: TrailCaps,
): AuditTrail {
  return {
    async append(event) {
      await link.client.xAdd(
        auditKey,
        '*',
        { e: event },
        { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: maxEvents } },
      )
    },
    async read(before, count) {
      const found = await link.client.xRevRange(
        auditKey,
        before === undefined ? '+' : `(${before}`,
        '-',
        { COUNT: count },
      )
      return found.map(({ id, message }) => ({ id, event: String(message['e']) }))
    },
    delete: (ids) => link.client.xDel(auditKey, [...ids]),
    // XADD cannot trim by length and by age at once.
    async trim() {
      await link.client.xTrim(auditKey, 'MINID', Math.max(0, Math.floor(now() - maxAgeMs)), {
        strategyModifier: '~',
      })
    },
  }
}
