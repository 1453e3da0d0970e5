import type { Entry, Mark } from './store/entry.js'
import type { Store } from './store/store.js'
import type { RevocationKey, TokenKeys } from './token/keys.js'
import type { VerifiedToken } from './token/verification.js'

export type CutoffClaim = 'iat' | 'auth_time'

/** The rules: what is stored for a token, for how long, and what it takes for a token to be revoked. */
export type Revocations = {
  /**
   * Revokes every token given: by its session if it names one, else by itself. When this returns, it is stored.
   *
   * @returns the keys of the revocations
   * @throws ServiceError `store_unavailable`: unknown; repeating is safe
   */
  revoke(tokens: readonly VerifiedToken[]): Promise<RevocationKey[]>
  /**
   * Stores the token itself, not its session, if an API that grants leeway may still accept it.
   *
   * @returns its key, or nothing when nobody accepts the token any more
   */
  revokeExpired(tokens: readonly VerifiedToken[]): Promise<RevocationKey[]>
  /** @throws ServiceError `store_unavailable`: unknown is not "not revoked" */
  isRevoked(token: VerifiedToken): Promise<boolean>
}

export function createRevocations(parts: {
  store: Store
  now: () => number
  maxClockSkewMs: number
  cutoffClaim: CutoffClaim
}): Revocations {
  const { store, now, maxClockSkewMs } = parts
  const tokenUntil = ({ expMs }: VerifiedToken) => (expMs === undefined ? null : expMs + maxClockSkewMs)
  const sessionUntil = (token: VerifiedToken) => {
    const own = tokenUntil(token)
    return own === null ? null : Math.max(own, now() + token.issuer.sessionMaxLifetimeS * 1000 + maxClockSkewMs)
  }
  const entryOf = (token: VerifiedToken): Entry =>
    token.keys.s === undefined
      ? { key: token.keys.t, untilMs: tokenUntil(token) }
      : { key: token.keys.s, untilMs: sessionUntil(token) }
  const commit = async (entries: Entry[]) => {
    const distinct = [...new Map(entries.map((entry) => [entry.key, longest(entries, entry)])).values()]
    if (distinct.length > 0) await store.commit(distinct)
    return distinct.map(({ key }) => key)
  }
  return {
    revoke: (tokens) => commit(tokens.map(entryOf)),
    revokeExpired: (tokens) =>
      commit(
        tokens
          .filter(({ expired, expMs }) => expired && expMs !== undefined && now() < expMs + maxClockSkewMs)
          .map((token) => ({ key: token.keys.t, untilMs: tokenUntil(token) })),
      ),
    async isRevoked(token) {
      const keys = orderedKeys(token.keys)
      const marks = await store.read(keys)
      return keys.some((key, at) => isKilledBy(key, marks[at], token.claims[parts.cutoffClaim]))
    },
  }
}

const orderedKeys = ({ t, s, u, j }: TokenKeys): RevocationKey[] => [t, s, u, j].filter((key) => key !== undefined)

// Two presented tokens may name one session: the longer life wins.
function longest(entries: readonly Entry[], { key }: Entry): Entry {
  return entries
    .filter((entry) => entry.key === key)
    .reduce((one, other) => (outlives(one.untilMs, other.untilMs) ? one : other))
}

const outlives = (one: number | null, other: number | null) => one === null || (other !== null && one >= other)

/** A cutoff revokes tokens from before it, and those that cannot say when they are from; any other mark revokes as it stands. */
function isKilledBy(key: RevocationKey, mark: Mark | undefined, issuedAtS: unknown): boolean {
  if (mark === undefined) return false
  return !key.startsWith('u:') || typeof issuedAtS !== 'number' || issuedAtS <= mark
}
