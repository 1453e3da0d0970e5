import type { LiveSet } from './live-set.js'
import { coversLife, entryWith, isRevokedBy, laterOf, valueOf, type Entry } from './entry.js'
import type { RevocationKey, TokenKeys } from '../token/keys.js'
import type { VerifiedToken } from '../token/verification.js'
import type { Committed, Window } from './commit.js'
import type { CommittedWith, Store } from './ports.js'

export type CutoffClaim = 'iat' | 'auth_time'

/** What is to be told of a commit, which is stored with it or not at all. */
export type Witness = Readonly<{
  /** The event for the audit trail. */
  event(keys: readonly RevocationKey[]): string
  /** The revocation is stored, the event is not. */
  failed(): void
}>

/** The rules: what is stored for a token, for how long, and what it takes for a token to be revoked. */
export type Revocations = {
  /**
   * Revokes every token given: by its session if it names one, else by itself; `global`: and every token of its subject from up to
   * now. When this returns, it is stored, and the session data under the keys given is gone.
   *
   * @returns the keys of the revocations
   * @throws ServiceError `store_unavailable`: unknown; repeating is safe; `session_store_unavailable`: nothing is stored
   */
  revoke(
    tokens: readonly VerifiedToken[],
    scope: 'local' | 'global',
    witness: Witness,
    sessionKeys?: readonly string[],
  ): Promise<RevocationKey[]>
  /**
   * Revokes like `revoke`, if the first of the tokens is not revoked yet and its request has room in the window, in one step: of two
   * that log one token out at once, one finds it revoked.
   *
   * @returns what became of it, and the keys of what is stored
   * @throws ServiceError like `revoke`
   */
  revokeOnce(
    presented: Presented,
  ): Promise<Committed & Readonly<{ keys: readonly RevocationKey[] }>>
  /**
   * Stores tokens that are not valid now, each by its own key and not by its session, where an API may still accept them, or accept them
   * later.
   *
   * @returns the keys that were stored now
   * @throws ServiceError `store_unavailable`
   */
  revokeUntimely(tokens: readonly VerifiedToken[], witness?: Witness): Promise<RevocationKey[]>
  /**
   * Stores entries as they are, and deletes session data.
   *
   * @throws ServiceError `store_unavailable`; `session_store_unavailable`: nothing is stored
   */
  record(
    entries: readonly Entry[],
    witness: Witness,
    sessionKeys?: readonly string[],
  ): Promise<RevocationKey[]>
  /**
   * Whether all of it is stored already, for as long and as safely as a commit would.
   *
   * @throws ServiceError `store_unavailable`
   */
  holds(entries: readonly Entry[]): Promise<boolean>
  /** The entry that revokes a token: of its session if it names one, else its own. */
  entryOf(token: VerifiedToken): Entry
  /** The whole second that is not over yet: a cutoff that includes every token issued until now. */
  cutoffNow(): number
  /** When an entry may be forgotten: of a token by its `exp` in milliseconds, of a session or subject by how long its tokens live. */
  keptUntilMs(of: { expMs: number } | { lifetimeS: number; fromMs?: number }): number
  /** @throws ServiceError `store_unavailable`: unknown is not "not revoked" */
  isRevoked(token: VerifiedToken): Promise<boolean>
}

/** What a caller presents to be revoked, and how. */
export type Presented = Readonly<{
  tokens: readonly [VerifiedToken, ...VerifiedToken[]]
  scope: 'local' | 'global'
  witness: Witness
  sessionKeys: readonly string[]
  window: Window | undefined
}>

export function createRevocations(parts: {
  store: Store
  /** What this instance has learnt from the feed. It may lag, but nothing in it is wrong. */
  liveSet: Pick<LiveSet, 'add' | 'find' | 'covers'>
  now: () => number
  maxClockSkewMs: number
  cutoffClaim: CutoffClaim
  /** Whether a commit waits for replicas. */
  awaitsReplicas: boolean
}): Revocations {
  const { store, liveSet, now, maxClockSkewMs } = parts
  const tokenUntil = ({ expMs }: VerifiedToken) =>
    expMs === undefined ? null : expMs + maxClockSkewMs
  const sessionUntil = (token: VerifiedToken) => {
    const own = tokenUntil(token)
    return own === null
      ? null
      : Math.max(own, keptUntilMs({ lifetimeS: token.issuer.sessionMaxLifetimeS }))
  }
  const ownEntry = (token: VerifiedToken): Entry => ({
    key: token.keys.t,
    untilMs: tokenUntil(token),
  })
  const entryOf = (token: VerifiedToken): Entry =>
    token.keys.s === undefined || token.timing !== 'current'
      ? ownEntry(token)
      : { key: token.keys.s, untilMs: sessionUntil(token) }
  const keptUntilMs: Revocations['keptUntilMs'] = (of) =>
    maxClockSkewMs + ('expMs' in of ? of.expMs : (of.fromMs ?? now()) + of.lifetimeS * 1000)
  const cutoffNow = () => Math.ceil(now() / 1000)
  const subjectEntry = (token: VerifiedToken): Entry[] => {
    if (token.keys.u === undefined) return []
    // A token whose issuer's clock runs ahead is from the future, and must die all the same.
    const times = [token.claims.iat, token.claims[parts.cutoffClaim]].filter(
      (time): time is number => Number.isFinite(time),
    )
    return [
      {
        key: token.keys.u,
        untilMs: sessionUntil(token),
        cutoff: Math.ceil(Math.max(cutoffNow(), ...times)),
      },
    ]
  }
  const entriesOf = (tokens: readonly VerifiedToken[], scope: 'local' | 'global') => [
    ...tokens.map(entryOf),
    ...(scope === 'global' ? tokens.flatMap(subjectEntry) : []),
  ]
  const commit = async (
    entries: readonly Entry[],
    witness?: Witness,
    more?: Pick<CommittedWith, 'sessionKeys' | 'terms'>,
  ) => {
    const distinct =
      entries.length < 2
        ? entries
        : [...new Map(entries.map((entry) => [entry.key, joined(entries, entry)])).values()]
    const keys = distinct.map(({ key }) => key)
    const { became, counted } = await store.commit(distinct, {
      event: witness?.event(keys),
      ...more,
    })
    if (became !== 'stored' && became !== 'stored_without_audit')
      return { became, counted, keys: [] }
    // Known here from now on, even if Redis should lose it before it comes back by the feed.
    distinct.forEach(liveSet.add)
    if (became === 'stored_without_audit') witness?.failed()
    return { became, counted, keys }
  }
  const record: Revocations['record'] = async (entries, witness, sessionKeys) =>
    (await commit(entries, witness, { sessionKeys })).keys
  const isKnownRevoked = (keys: readonly RevocationKey[], { claims }: VerifiedToken) =>
    keys.some((key) => isRevokedBy(key, liveSet.find(key), claims[parts.cutoffClaim]))
  /** Whether a revocation that is known here lasts for as long as an API may accept the token. */
  const isKnownForGood = (keys: readonly RevocationKey[], token: VerifiedToken) =>
    keys.some((key) => {
      const mark = liveSet.find(key)
      return (
        mark !== undefined &&
        isRevokedBy(key, mark, token.claims[parts.cutoffClaim]) &&
        liveSet.covers(entryWith(key, tokenUntil(token), mark))
      )
    })
  /** The same of what the store holds, which may be newer. */
  const isStoredForGood = async (keys: readonly RevocationKey[], token: VerifiedToken) => {
    const held = await Promise.all(keys.map((key) => store.lookup(key)))
    return held.some(
      (entry) =>
        entry !== undefined &&
        isRevokedBy(entry.key, valueOf(entry), token.claims[parts.cutoffClaim]) &&
        covers(entry, { ...entry, untilMs: tokenUntil(token) }),
    )
  }
  const revocations: Revocations = {
    revoke: (tokens, scope, witness, sessionKeys) =>
      record(entriesOf(tokens, scope), witness, sessionKeys),
    async revokeOnce({ tokens, scope, witness, sessionKeys, window }) {
      const [first] = tokens
      const issuedAtS = first.claims[parts.cutoffClaim]
      const keys = orderedKeys(first.keys)
      const isRevoked = isKnownRevoked(keys, first)
      // Whatever the store has to say, no API accepts this token again.
      const isForGood = isRevoked && isKnownForGood(keys, first)
      const refused =
        isForGood && !parts.awaitsReplicas
          ? ({ became: 'already_revoked', keys: [] } as const)
          : undefined
      if (refused !== undefined && window === undefined) return refused
      const terms = {
        window,
        keys,
        issuedAtS: typeof issuedAtS === 'number' ? issuedAtS : undefined,
        isRevoked,
      }
      const committed = await commit(entriesOf(tokens, scope), witness, {
        sessionKeys,
        terms,
      }).catch((error: unknown) => {
        if (refused !== undefined) return refused
        throw error
      })
      // The 401 says that the token is dead. What revokes it may end before it does, and an attempt that failed for want of replicas left its
      // entry on the primary alone.
      if (committed.became !== 'already_revoked') return committed
      const isEnough = isForGood || (await isStoredForGood(keys, first))
      const missing = [
        ...(parts.awaitsReplicas ? [entryOf(first)] : []),
        ...(isEnough ? [] : [ownEntry(first)]),
      ]
      if (missing.length > 0) await commit(missing)
      return committed
    },
    record,
    entryOf,
    cutoffNow,
    keptUntilMs,
    async revokeUntimely(tokens, witness) {
      const usable = tokens.filter(
        ({ timing, expMs }) =>
          timing !== 'current' && (expMs === undefined || now() < expMs + maxClockSkewMs),
      )
      const entries = usable.map(entryOf)
      // Stored once: a token that is replayed must not fill the feed.
      return entries.length === 0 || (await revocations.holds(entries))
        ? []
        : (await commit(entries, witness)).keys
    },
    async holds(entries) {
      if (parts.awaitsReplicas) return false
      const held = await Promise.all(entries.map(({ key }) => store.lookup(key)))
      return entries.every((entry, at) => covers(held[at], entry))
    },
    async isRevoked(token) {
      const keys = orderedKeys(token.keys)
      if (isKnownRevoked(keys, token)) return true
      const marks = await store.read(keys)
      return keys.some((key, at) => isRevokedBy(key, marks[at], token.claims[parts.cutoffClaim]))
    },
  }
  return revocations
}

const orderedKeys = ({ t, s, u, j }: TokenKeys): RevocationKey[] =>
  [t, s, u, j].filter((key) => key !== undefined)

// Two presented tokens may name one session or subject: the longer life and the later cutoff win.
function joined(entries: readonly Entry[], { key }: Entry): Entry {
  return entries
    .filter((entry) => entry.key === key)
    .reduce((one, other) => ({
      key,
      untilMs: laterOf(one.untilMs, other.untilMs),
      ...(one.cutoff !== undefined &&
        other.cutoff !== undefined && { cutoff: Math.max(one.cutoff, other.cutoff) }),
    }))
}

// What is left of a life in Redis is told in whole milliseconds, by a clock that goes on.
const lifeToleranceMs = 1_000

const covers = (held: Entry | undefined, entry: Entry): boolean =>
  held !== undefined &&
  (held.cutoff ?? 0) >= (entry.cutoff ?? 0) &&
  coversLife(held, entry, lifeToleranceMs)
