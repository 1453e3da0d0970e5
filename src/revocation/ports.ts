import type { RevocationKey } from '../token/keys.js'
import type { Committed, Terms } from './commit.js'
import type { Entry, Value } from './entry.js'

/** Revocations as bytes. Every method answers or throws within its deadline. */
export type Store = {
  /**
   * The marks under the keys, in their order; `undefined` where there is none. One round trip.
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
   * Asks the terms, if there are any, deletes session data, merges all entries (there is at least one) at once, writes the event to the
   * audit trail with them, and returns when they are stored. One round trip, unless session data is kept elsewhere.
   *
   * @throws ServiceError `store_unavailable`: some of it, or nothing, may be stored; `session_store_unavailable`: nothing is
   */
  commit(entries: readonly Entry[], more?: CommittedWith): Promise<Committed>
}

/** An event for the audit trail, the keys of session data that must be gone before anything is stored, and what must hold before that. */
export type CommittedWith = Readonly<{
  event?: string | undefined
  sessionKeys?: readonly string[] | undefined
  terms?: Terms | undefined
}>

export type CheckStatus = 'ok' | 'warning' | 'failed' | 'unknown'

/** What a store says of its own fitness. */
export type StoreProbe = () => Promise<
  Readonly<{ store: CheckStatus; eviction: CheckStatus; persistence: CheckStatus }>
>
