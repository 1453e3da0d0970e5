import { ServiceError } from '../errors.js'
import type { VerifiedToken } from '../token/verification.js'
import {
  commitOf,
  isStored,
  type Commit,
  type CommitResult,
  type Preconditions,
  type StoredRevocation,
} from './commit.js'
import { covers, isRevokedBy, type Entry } from './entry.js'
import { isHeldForGood, isKnownForGood, missingForGood } from './lasting.js'
import type { LiveSet } from './live-set.js'
import type { Store } from './ports.js'
import { createTokenEntries, onePerKey, type TokenEntries } from './token-entries.js'

/**
 * The rules of what is stored for a token, and of whether a token is revoked, applied to a store.
 */
export type Revocations = TokenEntries & {
  /**
   * Stores the commit if its preconditions hold and its rate limit allows the request. Of two
   * requests that revoke one token at the same time, one gets `already_revoked`.
   *
   * @throws ServiceError `store_unavailable`: the outcome is unknown, and repeating is safe;
   *   `session_store_unavailable`: nothing is stored
   */
  commit(commit: Commit): Promise<CommitResult>
  /**
   * Stores a commit that has neither preconditions nor a rate limit.
   *
   * @throws ServiceError like `commit`
   */
  record(commit: Commit): Promise<StoredRevocation>
  /**
   * The entries to store for tokens that have expired or are not yet valid: an API may still accept
   * such a token, or accept it later. Each entry has the token's own key, not that of its session.
   * Empty when the store holds all of them.
   *
   * @throws ServiceError `store_unavailable`
   */
  untimelyEntries(tokens: readonly VerifiedToken[]): Promise<readonly Entry[]>
  /**
   * Whether the store holds all of the entries, for as long as a commit would store them. `false`
   * where a commit waits for replicas: a read does not show what the replicas hold.
   *
   * @throws ServiceError `store_unavailable`
   */
  holds(entries: readonly Entry[]): Promise<boolean>
  /** @throws ServiceError `store_unavailable`: unknown is not "not revoked" */
  isRevoked(token: VerifiedToken): Promise<boolean>
}

export type RevocationsParts = Readonly<{
  store: Store
  /** The live set may lag behind the store, but every entry in the live set is right. */
  liveSet: Pick<LiveSet, 'add' | 'find' | 'covers'>
  now: () => number
  maxClockSkewMs: number
  /** Whether a commit waits for replicas. */
  awaitsReplicas: boolean
}>

const alreadyRevoked: CommitResult = { outcome: 'already_revoked' }

export function createRevocations(parts: RevocationsParts): Revocations {
  const { store, liveSet, now, maxClockSkewMs, awaitsReplicas } = parts
  const tokenEntries = createTokenEntries({ now, find: liveSet.find, maxClockSkewMs })

  // Stored entries go into the live set at once: Redis may lose them before the feed shows them.
  const write = async (commit: Commit): Promise<CommitResult> => {
    const result = await store.commit(commit)
    if (isStored(result.outcome)) commit.entries.forEach(liveSet.add)
    return result
  }
  const holds = async (entries: readonly Entry[]) =>
    !awaitsReplicas && (await coversAll(store, entries))
  return {
    ...tokenEntries,
    async commit(commit) {
      const { preconditions, rateLimit } = commit
      if (preconditions === undefined) return write(commit)
      const isRevokedForGood =
        preconditions.isKnownRevoked && isKnownForGood(liveSet, preconditions)
      // No API accepts this token again, whatever the store answers.
      const isSettled = isRevokedForGood && !awaitsReplicas
      if (isSettled && rateLimit === undefined) return alreadyRevoked
      const result = await write(commit).catch((error: unknown) => {
        if (isSettled) return alreadyRevoked
        throw error
      })
      if (result.outcome !== 'already_revoked') return result
      const isForGood = isRevokedForGood || (await isStoredForGood(store, preconditions))
      const missing = missingForGood(commit.entries, preconditions, { isForGood, awaitsReplicas })
      if (missing.length > 0) await write(commitOf(missing))
      return result
    },
    async record(commit) {
      const { outcome } = await write(commit)
      if (isStored(outcome)) return { outcome, commit }
      throw new ServiceError('store_unavailable', { reason: 'store' })
    },
    async untimelyEntries(tokens) {
      const acceptedMs = now() - maxClockSkewMs
      const usable = tokens.filter((token) => isUntimely(token, acceptedMs))
      const entries = onePerKey(usable.map(tokenEntries.entryOf))
      // Stored only once: a token that is replayed must not fill the feed.
      return entries.length === 0 || (await holds(entries)) ? [] : entries
    },
    holds,
    async isRevoked(token) {
      const { keys, issuedAtS, isKnownRevoked } = tokenEntries.preconditionsOf(token)
      if (isKnownRevoked) return true
      const values = await store.read(keys)
      return keys.some((key, index) => isRevokedBy(key, values[index], issuedAtS))
    },
  }
}

/** Whether a token is not valid now, but an API with another clock may accept it. */
const isUntimely = ({ timing, expMs }: VerifiedToken, acceptedMs: number): boolean =>
  timing !== 'current' && (expMs === undefined || acceptedMs < expMs)

async function coversAll(
  store: Pick<Store, 'lookup'>,
  entries: readonly Entry[],
): Promise<boolean> {
  const held = await Promise.all(entries.map(({ key }) => store.lookup(key)))
  return entries.every((entry, index) => covers(held[index], entry))
}

async function isStoredForGood(
  store: Pick<Store, 'lookup'>,
  preconditions: Preconditions,
): Promise<boolean> {
  const { keys } = preconditions
  return isHeldForGood(await Promise.all(keys.map((key) => store.lookup(key))), preconditions)
}
