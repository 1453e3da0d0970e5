import { Keyv, type KeyvStoreAdapter } from 'keyv'
import type { Commit, CommitReply } from '../revocation/commit.js'

/*
 * The door to Keyv. Every read, every deletion and every commit goes through it.
 *
 * A commit is Keyv's `setMany`: one value per commit, under the key of its first entry. Keyv 5
 * hands the values to the adapter and returns the adapter's answer unchanged (`results = await
 * this._store.setMany(…)`, then `return results`). Its types say otherwise: an adapter answers
 * nothing, and `Keyv.setMany` answers booleans. `toKeyv` and `commit` below are the one place that
 * states the real types; `test/store/keyv.test.ts` fails when Keyv no longer returns the answer.
 */

export type { KeyvStoreAdapter }

/** A commit as Keyv sees it: a value under a key. */
export type CommitValue = { key: string; value: Commit }

/** The replies of an adapter, with the type that Keyv gives to the answer of `setMany`. */
export const toKeyv = (replies: readonly CommitReply[]): void => replies as unknown as void

export type CommitKeyv = Readonly<{
  /** The texts under the keys, in their order. */
  read(keys: string[]): Promise<(string | undefined)[]>
  remove(keys: string[]): Promise<boolean>
  /** A reply for each commit, in their order. */
  commit(values: CommitValue[]): Promise<CommitReply[]>
}>

export function openKeyv(adapter: KeyvStoreAdapter): CommitKeyv {
  // Unless both layers throw, Keyv reports a failed write as `true` and a failed read as nothing
  // found.
  const keyv = new Keyv(adapter, {
    // An empty namespace is none; without the option, Keyv would use one of its own.
    namespace: '',
    useKeyPrefix: false,
    throwOnErrors: true,
    // Keyv passes on whatever these functions return, though its types say text. Values stay
    // unchanged: texts are read, commits are written.
    serialize: ({ value }) => value as unknown as string,
    deserialize: <Value>(text: string) => ({ value: text as Value, expires: undefined }),
  })
  // Each failure is thrown where it happens; the connection logs its own troubles.
  keyv.on('error', () => undefined)
  return {
    read: (keys) => keyv.get<string>(keys),
    remove: (keys) => keyv.delete(keys),
    commit: (values) => keyv.setMany(values) as Promise<unknown> as Promise<CommitReply[]>,
  }
}
