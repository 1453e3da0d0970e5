import type { CheckStatus, StoreHealthCheck } from '../../revocation/ports.js'
import type { ClockCheck } from './clock-check.js'
import type { RedisLink } from './connection.js'

type Parts = Readonly<{
  link: Pick<RedisLink, 'run'>
  minReplicas: number
  clock: ClockCheck
}>

/**
 * Asks Redis by `INFO` alone, since managed Redis forbids `CONFIG`. The store is `ok` when it would
 * take a write: it is a primary, below its memory limit, with the replicas that a commit waits for.
 * Any eviction policy but `noeviction` forgets revocations when memory runs out. Some managed Redis
 * do not tell theirs, or tell an empty one: that is a warning.
 *
 * @throws ClockDiffers; what the connection throws
 */
export function redisHealthCheck({ link, minReplicas, clock }: Parts): StoreHealthCheck {
  return async () => {
    const askedAtMs = clock.now()
    const info = parseInfo(await readInfo(link))
    clock.check(askedAtMs - Number(info['server_time_usec']) / 1000)
    return {
      store: isWritable(info, minReplicas) ? 'ok' : 'failed',
      eviction: evictionStatus(info['maxmemory_policy']),
      persistence:
        info['aof_enabled'] === '1' && info['aof_last_write_status'] !== 'err' ? 'ok' : 'warning',
    }
  }
}

const readInfo = (link: Pick<RedisLink, 'run'>) => link.run((client) => client.info())

type Info = Readonly<Record<string, string>>

function isWritable(info: Info, minReplicas: number): boolean {
  const maxMemory = Number(info['maxmemory'])
  const isFull = maxMemory > 0 && Number(info['used_memory']) >= maxMemory
  // A replica that is still being filled is connected, but acknowledges nothing.
  const replicas = Object.entries(info).filter(
    ([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online'),
  )
  return info['role'] === 'master' && !isFull && replicas.length >= minReplicas
}

function evictionStatus(policy: string | undefined): CheckStatus {
  if (policy === undefined || policy === '') return 'warning'
  return policy === 'noeviction' ? 'ok' : 'failed'
}

/** The embedded store always answers, never evicts, and forgets everything at a restart. */
export const memoryHealthCheck: StoreHealthCheck = async () => ({
  store: 'ok',
  eviction: 'ok',
  persistence: 'warning',
})

function parseInfo(text: string): Info {
  return Object.fromEntries(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : []
    }),
  )
}
