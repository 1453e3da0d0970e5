import { answered } from '../../revocation/store-errors.js'
import { batched } from '../../runtime/batch.js'
import { openKeyv } from '../keyv.js'
import { batching, observed, type KeyDeleter, type StoreObserver } from '../store.js'
import { RedisAdapter } from './adapter.js'
import type { RedisLink } from './connection.js'

/**
 * Deletes session data of other frameworks in an external session store, which is another Redis.
 * cierre neither reads nor writes such data.
 *
 * @throws (the deleter) ServiceError `session_store_unavailable`
 */
export function createKeyDeleter(parts: {
  link: RedisLink
  timeoutMs: number
  observe: StoreObserver
}): KeyDeleter {
  const keyv = openKeyv(new RedisAdapter(parts.link))
  const remove = batched(async (all: (readonly string[])[]) => {
    const removed = answered('sessions', parts.timeoutMs, () => keyv.remove(all.flat()))
    await observed(parts.observe, 'delete', removed)
    return all
  }, batching)
  return async (keys) => void (await remove(keys))
}
