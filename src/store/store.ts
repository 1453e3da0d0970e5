import { Keyv, type KeyvStoreAdapter } from 'keyv'
import { ServiceError } from '../errors.js'
import type { StoreCommand } from '../telemetry/metrics.js'
import type { RevocationKey } from '../token/keys.js'
import { batched } from '../runtime/batch.js'
import { answered, NotConnected, RedisRefusal, unavailableBy } from '../revocation/store-errors.js'
import { parseValue, type Value } from '../revocation/entry.js'
import type { LayoutCheck } from './redis/layout.js'
import type { Commit, CommitReply, Committed } from '../revocation/commit.js'
import type { Store } from '../revocation/ports.js'
import { layoutKey, keyPrefix } from './names.js'

/** Told of every command: how long it took in seconds, and whether it failed. */
export type StoreObserver = (command: StoreCommand, seconds: number, failed: boolean) => void

/** Tells what Keyv has no words for: when a key expires. */
export type EntryReader = (
  key: string,
) => Promise<{ mark: string; untilMs: number | null } | undefined>

/** So few requests that Redis is never held up for long. What it refuses altogether may be the matter of one of them. */
const together = {
  most: 64,
  mayBeOnes: (error: unknown) =>
    error instanceof ServiceError && error.cause instanceof RedisRefusal,
}

export type StoreParts = {
  adapter: KeyvStoreAdapter
  readEntry: EntryReader
  /** Absent for a store that no other instance writes. */
  layout?: LayoutCheck
  /** Deletes session data where it is kept elsewhere; absent: the adapter does so when it commits. */
  deleteKeys: KeyDeleter | undefined
  timeoutMs: number
  observe: StoreObserver
}

export function createStore(parts: StoreParts): Store {
  const { deleteKeys } = parts
  const keyv = openKeyv(parts.adapter)
  const asked = <T>(command: StoreCommand, work: () => Promise<T>) =>
    observed(parts.observe, command, answered('store', parts.timeoutMs, work))
  const read = batched(async (all: (readonly RevocationKey[])[]) => {
    // One more for each round trip, so that what the marks mean is known of the moment they were read.
    const names: string[] = [layoutKey]
    for (const keys of all) for (const key of keys) names.push(keyPrefix + key)
    const marks = await asked('read', async () => {
      const values = await keyv.get<string>(names)
      parts.layout?.check(values[0])
      return values
    })
    let at = 1
    return all.map((keys) => marks.slice(at, (at += keys.length)))
  }, together)
  const commitTogether = batched((all: Commit[]) => {
    // What is committed has several keys or none; to Keyv it is a value under one of them.
    const values = all.map((value) => ({ key: keyPrefix + (value.entries[0]?.key ?? ''), value }))
    const replies = answered(
      'store',
      parts.timeoutMs,
      () => keyv.setMany(values) as Promise<unknown> as Promise<CommitReply[]>,
    )
    return observed(parts.observe, 'commit', replies, (told) =>
      told.some((reply) => 'error' in reply),
    )
  }, together)
  const commit = (one: Commit): Promise<Committed> =>
    commitTogether(one).then(
      (reply) => {
        if ('error' in reply) throw unavailableBy(reply.error, 'store')
        return reply
      },
      (error: unknown) => {
        // Nothing has happened, and somebody else may count.
        const isUntouched =
          error instanceof ServiceError &&
          (error.cause instanceof NotConnected || error.cause instanceof RedisRefusal)
        if (isUntouched && one.terms?.window !== undefined) return { became: 'not_executed' }
        throw error
      },
    )
  /** Deletes nothing for a token that does not meet its terms. */
  const commitAfter = async (
    deletion: () => Promise<void>,
    { terms, ...written }: Commit,
  ): Promise<Committed> => {
    const asked = terms && (await commit({ entries: [], event: '', gone: [], terms }))
    if (asked !== undefined && asked.became !== 'stored') return asked
    await deletion()
    // Somebody else may have been faster.
    const { became } = await commit({ ...written, terms: terms && { ...terms, window: undefined } })
    return { became, counted: asked?.counted }
  }
  return {
    read: (keys) =>
      read(keys).then((marks) => marks.map((mark, at) => parseFound(keys[at] ?? '', mark))),
    lookup: (key) =>
      asked('lookup', async () => {
        const found = await parts.readEntry(keyPrefix + key)
        if (found === undefined) return undefined
        return {
          key,
          untilMs: found.untilMs,
          ...(key.startsWith('u:') && { cutoff: parseValue(key, found.mark) }),
        }
      }),
    commit(entries, { event = '', sessionKeys = [], terms } = {}) {
      const isAtOnce = deleteKeys === undefined || sessionKeys.length === 0
      return isAtOnce
        ? commit({ entries, event, gone: sessionKeys, terms })
        : commitAfter(() => deleteKeys(sessionKeys), { entries, event, gone: [], terms })
    },
  }
}

function parseFound(key: string, text: string | undefined): Value | undefined {
  if (text === undefined) return undefined
  try {
    return parseValue(key, text)
  } catch (cause) {
    // A value that is not ours is not "not revoked".
    throw new ServiceError('store_unavailable', { cause, reason: 'store' })
  }
}

/** Data of somebody else in a store, of which we only ever delete. */
export type KeyDeleter = (keys: readonly string[]) => Promise<void>

/** @throws (the deleter) ServiceError `session_store_unavailable` */
export function createKeyDeleter(parts: {
  adapter: KeyvStoreAdapter
  timeoutMs: number
  observe: StoreObserver
}): KeyDeleter {
  const keyv = openKeyv(parts.adapter)
  const remove = batched(async (all: (readonly string[])[]) => {
    await observed(
      parts.observe,
      'delete',
      answered('sessions', parts.timeoutMs, () => keyv.delete(all.flat())),
    )
    return all
  }, together)
  return (keys) => remove(keys).then(() => undefined)
}

function observed<T>(
  observe: StoreObserver,
  command: StoreCommand,
  work: Promise<T>,
  hasFailed: (result: T) => boolean = () => false,
): Promise<T> {
  const begunAt = performance.now()
  const done = (failed: boolean) => observe(command, (performance.now() - begunAt) / 1000, failed)
  work.then(
    (result) => done(hasFailed(result)),
    () => done(true),
  )
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
