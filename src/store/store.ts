import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { ServiceError, type FailureCode, type Reason } from '../errors.js'
import type { RevocationKey } from '../token/keys.js'
import { withoutArguments } from './cause.js'
import { withDeadline } from './deadline.js'
import { encodeEntry, type Entry, type Mark } from './entry.js'

/** The hash tag keeps all keys on one cluster slot, so that the commit may touch several. */
export const keyPrefix = 'cierre:{c}:'
export const feedKey = `${keyPrefix}feed`
export const historyKey = `${keyPrefix}history`
export const auditKey = `${keyPrefix}audit`

/** Revocations as bytes. Every method answers or throws within its deadline. */
export type Store = {
  /**
   * The marks under the keys, in their order; `undefined` where there is none. One round trip.
   *
   * @throws ServiceError `store_unavailable`: unknown is not "not revoked"
   */
  read(keys: readonly RevocationKey[]): Promise<(Mark | undefined)[]>
  /**
   * The entry under a key, with its expiry.
   *
   * @throws ServiceError `store_unavailable`
   */
  lookup(key: RevocationKey): Promise<Entry | undefined>
  /**
   * Merges all entries at once and returns when they are stored.
   *
   * @throws ServiceError `store_unavailable`: some of it, or nothing, may be stored
   */
  commit(entries: readonly Entry[]): Promise<void>
}

/** Tells what Keyv has no words for: when a key expires. */
export type EntryReader = (key: string) => Promise<{ mark: string; untilMs: number | null } | undefined>

export function createStore(parts: { adapter: KeyvStoreAdapter; readEntry: EntryReader; timeoutMs: number }): Store {
  const keyv = openKeyv(parts.adapter)
  return {
    read: (keys) =>
      answered('store', parts.timeoutMs, async () => {
        const marks = await keyv.get<string>(keys.map((key) => keyPrefix + key))
        return marks.map(parseMark)
      }),
    lookup: (key) =>
      answered('store', parts.timeoutMs, async () => {
        const found = await parts.readEntry(keyPrefix + key)
        if (found === undefined) return undefined
        return { key, untilMs: found.untilMs, ...(key.startsWith('u:') && { cutoff: parseMark(found.mark) as Mark }) }
      }),
    commit: (entries) =>
      answered('store', parts.timeoutMs, async () => {
        await keyv.setMany(entries.map((entry) => ({ key: keyPrefix + entry.key, value: encodeEntry(entry) })))
      }),
  }
}

function parseMark(mark: string | undefined): Mark | undefined {
  if (mark === undefined) return undefined
  // A value that is not ours is not "not revoked".
  if (!/^\d{1,16}$/.test(mark)) throw new Error('a revocation in the store is unreadable')
  return Number(mark)
}

/** Data of somebody else in a store, of which we only ever delete. */
export type KeyDeleter = (keys: readonly string[]) => Promise<void>

/** @throws (the deleter) ServiceError `session_store_unavailable` */
export function createKeyDeleter(parts: { adapter: KeyvStoreAdapter; timeoutMs: number }): KeyDeleter {
  const keyv = openKeyv(parts.adapter)
  return (keys) => answered('sessions', parts.timeoutMs, async () => void (await keyv.delete([...keys])))
}

function openKeyv(adapter: KeyvStoreAdapter): Keyv {
  // Keyv reports a failed write as `true` and a failed read as nothing found unless both layers are told to throw.
  const keyv = new Keyv(adapter, {
    namespace: undefined as never,
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value }) => value as string,
    deserialize: (value) => ({ value: value as never, expires: undefined }),
  })
  // Each failure is thrown where it happens; the connection logs its own troubles.
  keyv.on('error', () => undefined)
  return keyv
}

const unavailable = { store: 'store_unavailable', sessions: 'session_store_unavailable' } as const satisfies Partial<
  Record<Reason, FailureCode>
>

/**
 * What the store answers within its deadline.
 *
 * @throws ServiceError `store_unavailable` or `session_store_unavailable` for everything that `work` throws, and when time is up
 */
export async function answered<T>(whose: keyof typeof unavailable, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(work(), timeoutMs)
  } catch (cause) {
    throw new ServiceError(unavailable[whose], { cause: withoutArguments(cause), reason: whose })
  }
}
