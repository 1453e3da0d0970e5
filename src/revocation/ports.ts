import type { RevocationKey } from '../token/keys.js'
import type { Commit, CommitResult } from './commit.js'
import type { Entry, Value } from './entry.js'

/** Where revocations are stored. Every method answers or throws within its deadline. */
export type Store = {
  /**
   * The values under the keys, in their order; `undefined` where there is none. One round trip.
   *
   * @throws ServiceError `store_unavailable`: unknown is not "not revoked"
   */
  read(keys: readonly RevocationKey[]): Promise<(Value | undefined)[]>
  /**
   * The entry under a key, with its expiry.
   *
   * @throws ServiceError `store_unavailable`
   */
  lookup(key: RevocationKey): Promise<Entry | undefined>
  /**
   * In this order: counts the request, checks the preconditions, deletes session data, merges the
   * entries and appends the audit event. It returns when all of this is stored. One round trip,
   * unless the session data is in an external session store.
   *
   * @throws ServiceError `store_unavailable`: some of the commit, or nothing, may be stored;
   *   `session_store_unavailable`: nothing is stored
   */
  commit(commit: Commit): Promise<CommitResult>
}

export type CheckStatus = 'ok' | 'warning' | 'failed' | 'unknown'

/** What a store reports of its own health. */
export type StoreHealthCheck = () => Promise<
  Readonly<{
    store: CheckStatus
    eviction: CheckStatus
    persistence: CheckStatus
    /** A key of cierre that holds a value that cierre did not write; the store has failed then. */
    foreignKey?: string
  }>
>
