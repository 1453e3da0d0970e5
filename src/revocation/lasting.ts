import type { RevocationKey } from '../token/keys.js'
import type { Commit, Preconditions } from './commit.js'
import { covers, entryWith, isRevokedBy, valueOf, type Entry } from './entry.js'
import type { LiveSet } from './live-set.js'
import { onePerKey } from './token-entries.js'

// A 401 for a token that is revoked already promises that no API accepts the token again. These
// rules say whether that holds, and what has to be stored so that it does.

/**
 * Whether a revocation that this instance knows lasts for as long as an API may accept the token.
 */
export const isKnownForGood = (
  liveSet: Pick<LiveSet, 'find' | 'covers'>,
  { keys, issuedAtS, untilMs }: Preconditions,
): boolean =>
  keys.some((key: RevocationKey) => {
    const value = liveSet.find(key)
    return (
      value !== undefined &&
      isRevokedBy(key, value, issuedAtS) &&
      liveSet.covers(entryWith(key, untilMs, value))
    )
  })

/**
 * The same for what the store holds under the keys of the token: the store may be ahead of the live
 * set.
 */
export const isHeldForGood = (
  held: readonly (Entry | undefined)[],
  { issuedAtS, untilMs }: Preconditions,
): boolean =>
  held.some(
    (entry) =>
      entry !== undefined &&
      isRevokedBy(entry.key, valueOf(entry), issuedAtS) &&
      covers(entry, { ...entry, untilMs }),
  )

/**
 * What to store for a token that is revoked already. The entry that revokes the token may expire
 * before the token does, and an earlier request may have stored its entry on the primary without the
 * replicas.
 */
export const missingForGood = (
  entries: Commit['entries'],
  { keys: [key], untilMs }: Preconditions,
  { isForGood, awaitsReplicas }: Readonly<{ isForGood: boolean; awaitsReplicas: boolean }>,
): readonly Entry[] =>
  onePerKey([
    ...(awaitsReplicas ? entries.slice(0, 1) : []),
    ...(isForGood ? [] : [{ key, untilMs }]),
  ])
