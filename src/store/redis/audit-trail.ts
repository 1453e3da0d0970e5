import type { AuditTrail } from '../../audit/trail.js'
import type { TrailCaps } from '../memory-audit-trail.js'
import { auditKey } from '../names.js'
import type { RedisLink } from './connection.js'

type Link = Pick<RedisLink, 'run'>

/** The Redis stream `cierre:{c}:audit`. Each entry has one field, `e`, a JSON object. */
export const redisAuditTrail = (
  link: Link,
  { maxEvents, maxAgeMs, now }: TrailCaps,
): AuditTrail => ({
  append: (event) => append(link, event, maxEvents),
  read: (before, count) => read(link, before, count),
  delete: (ids) => remove(link, ids),
  trim: () => trim(link, Math.max(0, Math.floor(now() - maxAgeMs))),
})

async function append(link: Link, event: string, maxEvents: number): Promise<void> {
  const cap = { strategy: 'MAXLEN', strategyModifier: '~', threshold: maxEvents } as const
  await link.run((client) => client.xAdd(auditKey, '*', { e: event }, { TRIM: cap }))
}

async function read(link: Link, before: string | undefined, count: number) {
  const from = before === undefined ? '+' : `(${before}`
  const found = await link.run((client) => client.xRevRange(auditKey, from, '-', { COUNT: count }))
  return found.map(({ id, message }) => ({ id, event: String(message['e']) }))
}

const remove = (link: Link, ids: readonly string[]) =>
  link.run((client) => client.xDel(auditKey, [...ids]))

// XADD cannot trim by length and by age at once.
async function trim(link: Link, oldestMs: number): Promise<void> {
  await link.run((client) => client.xTrim(auditKey, 'MINID', oldestMs, { strategyModifier: '~' }))
}
