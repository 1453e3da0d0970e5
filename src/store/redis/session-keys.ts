import { answered } from '../../revocation/store-errors.js'
import { batched } from '../../runtime/batch.js'
import { openKeyv, type KeyvStoreAdapter } from '../keyv.js'
import { batching, observed, type KeyDeleter, type StoreObserver } from '../store.js'
import type { Unlink } from './cluster-unlink.js'

/**
 * Deletes session data of other frameworks that a commit cannot delete. cierre neither reads nor
 * writes such data.
 *
 * @throws (the deleter) ServiceError `session_store_unavailable`
 */
export function createKeyDeleter(parts: {
  unlink: Unlink
  timeoutMs: number
  observe: StoreObserver
}): KeyDeleter {
  const keyv = openKeyv(deletingAdapter(parts.unlink))
  const remove = batched(async (all: (readonly string[])[]) => {
    const removed = answered('sessions', parts.timeoutMs, () => keyv.remove(all.flat()))
    await observed(parts.observe, 'delete', removed)
    return all
  }, batching)
  return async (keys) => void (await remove(keys))
}

function deletingAdapter(unlink: Unlink): KeyvStoreAdapter {
  const deleteMany = async (keys: string[]) => (await unlink(keys)) > 0
  const refuse = async () => {
    throw new Error('session data is deleted and nothing else')
  }
  const adapter: KeyvStoreAdapter = {
    opts: {},
    on: () => adapter,
    get: refuse,
    set: refuse,
    clear: refuse,
    delete: (key) => deleteMany([key]),
    deleteMany,
  }
  return adapter
}
