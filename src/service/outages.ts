import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import type { RedisConnection } from '../config/redis.js'
import { ServiceError, type FailureCode } from '../errors.js'
import { NotConnected, RedisRefusal } from '../revocation/store-errors.js'
import type { Clock } from '../runtime/clock.js'
import { addressOf } from '../runtime/network-address.js'
import { DeadlinePassed } from '../runtime/deadline.js'
import { isDefect } from '../runtime/error-text.js'
import type { Stores } from '../store/stores.js'
import { createOutages, type Outage, type Outages } from '../telemetry/outages.js'

/** A failed request, as the first line of an outage names it. */
export type FailedRequest = Readonly<{ requestId: string; operationId: string | undefined }>

export type ServiceOutages = Readonly<
  Record<'store' | 'feed' | 'sessions' | 'audit', Outage> & {
    outages: Outages
    /**
     * Counts a failed request among the failures of an outage, which begins with it if need be.
     *
     * @returns whether the failure is that of an outage; any other has to be logged by itself
     */
    countRequest(error: unknown, request: FailedRequest): boolean
  }
>

type Parts = Readonly<{
  config: Pick<Config, 'redis' | 'sessionRedis'>
  log: Logger
  clock: Clock
  /** Rejects while the store is out. */
  check: Stores['check']
}>

/** What this instance needs of others, and what is answered while it is out. */
export function createServiceOutages({ config, log, clock, check }: Parts): ServiceOutages {
  const outages = createOutages(log, clock)
  const address = addressesOf(config.redis)
  const store = outages.open(
    {
      outage: 'store',
      address,
      meanwhile:
        'logout answers 500, which means repeat it; every other operation that asks Redis answers 503',
    },
    () => check('store'),
  )
  const feed = outages.open({
    outage: 'feed',
    address,
    meanwhile: 'this instance is not ready; its guards and agents answer 503 once they are stale',
    facts: ['writtenBack'],
  })
  const sessions = outages.open(
    {
      outage: 'sessions',
      address: addressesOf(config.sessionRedis),
      meanwhile: 'logout answers 500 where session data is to be deleted (SESSION_KEYS)',
    },
    () => check('sessions'),
  )
  const audit = outages.open(
    {
      outage: 'audit',
      address,
      meanwhile: 'audit events are in the log alone ("name":"audit")',
    },
    () => check('audit'),
  )
  const countRequest = createRequestCount({ store, feed, sessions }, log)
  return { outages, store, feed, sessions, audit, countRequest }
}

/** Hosts and ports of a URL. The rest of it may hold a password. */
const addressesOf = (connection: RedisConnection | undefined): string | undefined =>
  connection?.nodes.map(addressOf).join()

type CountByCode = Partial<
  Record<FailureCode, (cause: unknown, what: string, first: FailedRequest) => boolean>
>

function createRequestCount(
  { store, feed, sessions }: Pick<ServiceOutages, 'store' | 'feed' | 'sessions'>,
  log: Pick<Logger, 'debug'>,
): ServiceOutages['countRequest'] {
  const counts: CountByCode = {
    store_unavailable(cause, what, first) {
      store.failed({ problem: problemOf(cause), cause, what, first })
      return true
    },
    session_store_unavailable(cause, what, first) {
      // Without a cause there is no store of session data at all.
      if (cause === undefined) return false
      sessions.failed({ problem: 'session data not deleted', cause, what, first })
      return true
    },
    feed_unavailable(_cause, what, first) {
      // Also while an instance starts, when every guard asks it once a second.
      feed.counted(what)
      log.debug(first, 'this instance does not follow the feed')
      return true
    },
    // Also for an unknown key, by which strangers could fill the log.
    keys_unavailable: () => true,
  }
  return (error, first) => {
    if (!(error instanceof ServiceError) || isDefect(error.cause)) return false
    return counts[error.code]?.(error.cause, first.operationId ?? 'requests', first) ?? false
  }
}

function problemOf(cause: unknown): string {
  if (cause instanceof NotConnected) return 'cannot reach Redis'
  if (cause instanceof DeadlinePassed) return 'Redis does not answer in time'
  if (cause instanceof RedisRefusal) return 'Redis refuses commands'
  return 'cannot use Redis'
}
