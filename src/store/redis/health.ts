import type { StoreProbe } from '../../revocation/ports.js'
import type { RedisClient } from './connection.js'

/**
 * Asks Redis by `INFO` alone, since managed Redis forbids `CONFIG`. The store is `ok` when it would take a write: a primary, below its
 * memory limit, with the replicas that a commit waits for. Any eviction policy but `noeviction` forgets revocations under pressure.
 *
 * @throws whatever the connection throws
 */
export function redisProbe(redis: RedisClient, minReplicas: number): StoreProbe {
  return async () => {
    const info = parseInfo(await redis.info())
    const full =
      Number(info['maxmemory']) > 0 && Number(info['used_memory']) >= Number(info['maxmemory'])
    // A replica that is still being filled is connected, but acknowledges nothing.
    const replicas = Object.entries(info).filter(
      ([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online'),
    ).length
    const writable = info['role'] === 'master' && !full && replicas >= minReplicas
    return {
      store: writable ? 'ok' : 'failed',
      eviction:
        info['maxmemory_policy'] === undefined
          ? 'unknown'
          : info['maxmemory_policy'] === 'noeviction'
            ? 'ok'
            : 'failed',
      persistence:
        info['aof_enabled'] === '1' && info['aof_last_write_status'] !== 'err' ? 'ok' : 'warning',
    }
  }
}

/** The embedded store always answers, never evicts, and forgets at a restart. */
export const memoryProbe: StoreProbe = async () => ({
  store: 'ok',
  eviction: 'ok',
  persistence: 'warning',
})

function parseInfo(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : []
    }),
  )
}
