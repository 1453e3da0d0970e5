import type { RedisConnection } from '../../config/redis.js'
import type { CheckStatus } from '../../revocation/ports.js'
import { withoutArguments } from '../../revocation/store-errors.js'
import { withDeadline } from '../../runtime/deadline.js'
import { auditKey, layoutKey } from '../names.js'
import type { RedisClient } from './client.js'
import { askOnce } from './connection-attempt.js'
import { createClockCheck } from './clock-check.js'
import { dryRun } from './commit.js'
import { redisHealthCheck } from './health.js'
import { faultOfLayout } from './layout.js'
import { openServers } from './servers.js'

/** To find the primary and to connect to it. The deadline of the store follows. */
const longMs = 10_000

/** What a trial has found in a Redis. */
export type RedisTrial = Readonly<{
  version: string
  store: CheckStatus
  eviction: CheckStatus
  persistence: CheckStatus
  /** Absent where Redis has no data of cierre. */
  layout: string | undefined
  auditEvents: number
}>

type Limits = Readonly<{ minReplicas: number; timeoutMs: number; clockToleranceMs: number }>

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined }

/**
 * Connects to the Redis of the revocations and reads what a logout needs. It writes nothing: no
 * layout, no first event of a feed.
 *
 * @throws Error that says why a logout would fail
 */
export const tryRedis = (connection: RedisConnection, limits: Limits): Promise<RedisTrial> =>
  askPrimary(connection, limits.timeoutMs, async (client) => {
    const link = { run: <T>(work: (client: RedisClient) => Promise<T>) => work(client) }
    const clock = createClockCheck({
      now: Date.now,
      toleranceMs: limits.clockToleranceMs,
      log: silent,
    })
    const health = await redisHealthCheck({ link, minReplicas: limits.minReplicas, clock })()
    const layout = (await client.get(layoutKey)) ?? undefined
    const fault = layout === undefined ? undefined : faultOfLayout(layout)
    if (fault !== undefined) throw new Error(fault)
    await dryRun(client)
    const info = await client.info('server')
    return {
      ...health,
      version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown',
      layout,
      auditEvents: await client.xLen(auditKey),
    }
  })

/** Connects to a Redis of session data, and sends a ping. @throws Error */
export const trySessionRedis = (connection: RedisConnection, timeoutMs: number): Promise<void> =>
  askPrimary(connection, timeoutMs, async (client) => void (await client.ping()))

async function askPrimary<T>(
  connection: RedisConnection,
  timeoutMs: number,
  ask: (client: RedisClient) => Promise<T>,
): Promise<T> {
  const log = { warn: () => undefined }
  const { topology, dialing } = openServers({ connection, log, maxStalenessMs: longMs })
  const target = { ...topology, optionsFor: dialing.optionsFor }
  try {
    return await askOnce(target, (client) => withDeadline(ask(client), timeoutMs), longMs)
  } catch (error) {
    throw withoutArguments(error)
  } finally {
    topology.close()
  }
}
