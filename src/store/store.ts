import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { ServiceError, type FailureCode, type Reason } from '../errors.js'
import type { StoreCommand } from '../metrics.js'
import type { RevocationKey } from '../token/keys.js'
import { batched } from './batch.js'
import { RedisRefusal, SessionsRefusal, withoutArguments } from './cause.js'
import { withDeadline } from './deadline.js'
import type { Entry, Mark, Written } from './entry.js'

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
   * Deletes session data, merges all entries (there is at least one) at once, writes the event to the audit trail with them, and returns
   * when they are stored.
   *
   * @returns whether the trail has the event, too
   * @throws ServiceError `store_unavailable`: some of it, or nothing, may be stored; `session_store_unavailable`: nothing is
   */
  commit(entries: readonly Entry[], more?: CommittedWith): Promise<boolean>
}

/** An event for the audit trail, and the keys of session data that must be gone before anything is stored. */
export type CommittedWith = Readonly<{ event?: string | undefined; sessionKeys?: readonly string[] | undefined }>

/** Told of every command: how long it took in seconds, and whether it failed. */
export type StoreObserver = (command: StoreCommand, seconds: number, failed: boolean) => void

/** Tells what Keyv has no words for: when a key expires. */
export type EntryReader = (key: string) => Promise<{ mark: string; untilMs: number | null } | undefined>

/** So few requests that Redis is never held up for long. What it refuses may be the matter of one of them. */
const together = { most: 64, mayBeOnes: (error: unknown) => error instanceof ServiceError && error.cause instanceof RedisRefusal }

export type StoreParts = {
  adapter: KeyvStoreAdapter
  readEntry: EntryReader
  /** Deletes session data where it is kept elsewhere; absent: the adapter does so when it commits. */
  deleteKeys: KeyDeleter | undefined
  timeoutMs: number
  observe: StoreObserver
}

export function createStore(parts: StoreParts): Store {
  const { deleteKeys } = parts
  const keyv = openKeyv(parts.adapter)
  const asked = <T>(command: StoreCommand, work: () => Promise<T>) => observed(parts.observe, command, answered('store', parts.timeoutMs, work))
  const read = batched(async (all: (readonly RevocationKey[])[]) => {
    const names: string[] = []
    for (const keys of all) for (const key of keys) names.push(keyPrefix + key)
    const marks = await asked('read', () => keyv.get<string>(names))
    let at = 0
    return all.map((keys) => marks.slice(at, (at += keys.length)))
  }, together)
  const commit = batched(async (all: Commit[]) => {
    const values: { key: string; value: Written }[] = []
    for (const { entries, event = '', sessionKeys = [] } of all) {
      entries.forEach(({ key, untilMs, cutoff = 1 }, index) => {
        const more = index === 0 ? { event, gone: sessionKeys } : { event: '', gone: [] }
        values.push({ key: keyPrefix + key, value: { untilMs, mark: cutoff, ...more } })
      })
    }
    const told = await asked('commit', () => keyv.setMany(values))
    let at = 0
    return all.map(({ entries }) => told.slice(at, (at += entries.length)).every(Boolean))
  }, together)
  return {
    read: (keys) => read(keys).then((marks) => marks.map(parseMark)),
    lookup: (key) =>
      asked('lookup', async () => {
        const found = await parts.readEntry(keyPrefix + key)
        if (found === undefined) return undefined
        return { key, untilMs: found.untilMs, ...(key.startsWith('u:') && { cutoff: markOf(found.mark) }) }
      }),
    commit(entries, { event, sessionKeys = [] } = {}) {
      if (deleteKeys === undefined) return commit({ entries, event, sessionKeys })
      return sessionKeys.length === 0 ? commit({ entries, event }) : deleteKeys(sessionKeys).then(() => commit({ entries, event }))
    },
  }
}

type Commit = CommittedWith & Readonly<{ entries: readonly Entry[] }>

function markOf(text: string): Mark {
  if (!/^\d{1,16}$/.test(text)) throw new Error('a revocation in the store is unreadable')
  return Number(text)
}

function parseMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined
  try {
    return markOf(text)
  } catch (cause) {
    // A value that is not ours is not "not revoked".
    throw new ServiceError('store_unavailable', { cause, reason: 'store' })
  }
}

/** Data of somebody else in a store, of which we only ever delete. */
export type KeyDeleter = (keys: readonly string[]) => Promise<void>

/** @throws (the deleter) ServiceError `session_store_unavailable` */
export function createKeyDeleter(parts: { adapter: KeyvStoreAdapter; timeoutMs: number; observe: StoreObserver }): KeyDeleter {
  const keyv = openKeyv(parts.adapter)
  const remove = batched(async (all: (readonly string[])[]) => {
    await observed(parts.observe, 'delete', answered('sessions', parts.timeoutMs, () => keyv.delete(all.flat())))
    return all
  }, together)
  return (keys) => remove(keys).then(() => undefined)
}

function observed<T>(observe: StoreObserver, command: StoreCommand, work: Promise<T>): Promise<T> {
  const begunAt = performance.now()
  const done = (failed: boolean) => observe(command, (performance.now() - begunAt) / 1000, failed)
  work.then(() => done(false), () => done(true))
  return work
}

function openKeyv(adapter: KeyvStoreAdapter): Keyv {
  // Keyv reports a failed write as `true` and a failed read as nothing found unless both layers are told to throw.
  const keyv = new Keyv(adapter, {
    namespace: undefined as never,
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value }) => value as never,
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
export function answered<T>(whose: keyof typeof unavailable, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  return withDeadline(work(), timeoutMs).catch((error: unknown) => {
    const cause = withoutArguments(error)
    const reason = cause instanceof SessionsRefusal ? 'sessions' : whose
    throw new ServiceError(unavailable[reason], { cause, reason })
  })
}
