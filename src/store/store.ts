import { ServiceError } from '../errors.js'
import type { Commit, CommitReply, CommitResult } from '../revocation/commit.js'
import { entryWith, parseValue, type Value } from '../revocation/entry.js'
import type { Store } from '../revocation/ports.js'
import { answered, NotConnected, RedisRefusal, unavailableBy } from '../revocation/store-errors.js'
import { batched } from '../runtime/batch.js'
import type { StoreCommand } from '../telemetry/metrics.js'
import type { RevocationKey } from '../token/keys.js'
import { openKeyv, type KeyvStoreAdapter } from './keyv.js'
import { keyPrefix, layoutKey } from './names.js'
import type { LayoutCheck } from './redis/layout.js'

/** Called after every command, with its duration in seconds and whether it failed. */
export type StoreObserver = (command: StoreCommand, seconds: number, failed: boolean) => void

/** Reads an entry with its expiry, which Keyv cannot read. */
export type EntryReader = (
  key: string,
) => Promise<{ value: string; untilMs: number | null } | undefined>

/** Deletes session data. */
export type KeyDeleter = (keys: readonly string[]) => Promise<void>

/**
 * A batch is small, so that Redis is never busy for long. One request alone may cause Redis to
 * refuse the whole batch.
 */
export const batching = {
  most: 64,
  mayBeOnes: (error: unknown) =>
    error instanceof ServiceError && error.cause instanceof RedisRefusal,
}

export type StoreParts = {
  adapter: KeyvStoreAdapter
  readEntry: EntryReader
  /** Absent for a store that no other instance writes. */
  layout?: LayoutCheck
  /** Deletes in an external session store; absent: the adapter deletes when it commits. */
  deleteKeys: KeyDeleter | undefined
  timeoutMs: number
  observe: StoreObserver
}

export function createStore(parts: StoreParts): Store {
  const context = { ...parts, keyv: openKeyv(parts.adapter) }
  const { deleteKeys } = parts
  const readBatched = batched(
    (all: (readonly RevocationKey[])[]) => readAll(context, all),
    batching,
  )
  const commitBatched = batched((all: Commit[]) => commitAll(context, all), batching)
  const commit = async (one: Commit): Promise<CommitResult> => {
    try {
      return resultOf(await commitBatched(one))
    } catch (error) {
      if (one.rateLimit !== undefined && isUntouched(error)) return { outcome: 'not_executed' }
      throw error
    }
  }
  return {
    read: async (keys) => foundValues(keys, await readBatched(keys)),
    lookup: (key) => lookUp(context, key),
    commit: (one) =>
      deleteKeys === undefined || one.sessionKeysToDelete.length === 0
        ? commit(one)
        : commitAfterDeletion(commit, deleteKeys, one),
  }
}

type Context = StoreParts & Readonly<{ keyv: ReturnType<typeof openKeyv> }>

const ask = <T>({ observe, timeoutMs }: Context, command: StoreCommand, work: () => Promise<T>) =>
  observed(observe, command, answered('store', timeoutMs, work))

async function readAll(
  context: Context,
  all: readonly (readonly RevocationKey[])[],
): Promise<(string | undefined)[][]> {
  // The layout is read in the same round trip, so that it holds for the moment of the values.
  const names: string[] = [layoutKey]
  for (const keys of all) for (const key of keys) names.push(keyPrefix + key)
  const texts = await ask(context, 'read', async () => {
    const found = await context.keyv.read(names)
    context.layout?.check(found[0])
    return found
  })
  let index = 1
  return all.map((keys) => texts.slice(index, (index += keys.length)))
}

function commitAll(
  { keyv, timeoutMs, observe }: Context,
  all: readonly Commit[],
): Promise<CommitReply[]> {
  // To Keyv, a commit is a value under one key, however many keys it has.
  const values = all.map((value) => ({ key: keyPrefix + (value.entries[0]?.key ?? ''), value }))
  const replies = answered('store', timeoutMs, () => keyv.commit(values))
  return observed(observe, 'commit', replies, (all) => all.some((reply) => 'error' in reply))
}

const lookUp = (context: Context, key: RevocationKey) =>
  ask(context, 'lookup', async () => {
    const found = await context.readEntry(keyPrefix + key)
    if (found === undefined) return undefined
    const value = parseValue(keyPrefix + key, found.value)
    return entryWith(key, found.untilMs, value)
  })

/** Reports a command to the observer when it ends. */
export function observed<T>(
  observe: StoreObserver,
  command: StoreCommand,
  work: Promise<T>,
  hasFailed: (result: T) => boolean = () => false,
): Promise<T> {
  const begunAt = performance.now()
  const report = (failed: boolean) => observe(command, (performance.now() - begunAt) / 1000, failed)
  work.then(
    (result) => report(hasFailed(result)),
    () => report(true),
  )
  return work
}

/**
 * Checks, then deletes in the external session store, then stores: a refused token deletes nothing.
 */
async function commitAfterDeletion(
  commit: Store['commit'],
  deleteKeys: KeyDeleter,
  one: Commit,
): Promise<CommitResult> {
  const rest = { ...one, sessionKeysToDelete: [] }
  const checked = one.preconditions && (await commit({ ...rest, entries: [], auditEvent: '' }))
  if (checked !== undefined && checked.outcome !== 'stored') return checked
  await deleteKeys(one.sessionKeysToDelete)
  // Another request may have revoked the token meanwhile.
  const { outcome } = await commit({ ...rest, rateLimit: undefined })
  return { outcome, counted: checked?.counted }
}

function resultOf(reply: CommitReply): CommitResult {
  if ('error' in reply) throw unavailableBy(reply.error, 'store')
  return reply
}

/**
 * Whether an error says that Redis has counted and written nothing. Then the limiter counts in
 * memory.
 */
const isUntouched = (error: unknown): boolean =>
  error instanceof ServiceError &&
  (error.cause instanceof NotConnected || error.cause instanceof RedisRefusal)

const foundValues = (keys: readonly RevocationKey[], texts: readonly (string | undefined)[]) =>
  texts.map((text, index) => foundValue(keys[index] ?? '', text))

function foundValue(key: string, text: string | undefined): Value | undefined {
  if (text === undefined) return undefined
  try {
    return parseValue(keyPrefix + key, text)
  } catch (cause) {
    // A value that cierre did not write must not count as "not revoked".
    throw new ServiceError('store_unavailable', { cause, reason: 'store' })
  }
}
