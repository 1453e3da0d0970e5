import { issuedAtOf } from '../token/claim-mapping.js'
import type { RevocationKey, TokenKeys } from '../token/keys.js'
import type { VerifiedToken } from '../token/verification.js'
import type { Preconditions } from './commit.js'
import { isRevokedBy, merge, type Entry, type Value } from './entry.js'

/** `local`: the tokens alone; `global`: also every token of their subject issued until now. */
export type Scope = 'local' | 'global'

/** The rules that turn verified tokens into entries and preconditions, without a store. */
export type TokenEntries = {
  /** The entries that revoke the tokens, one for each key. */
  entriesOf(tokens: readonly VerifiedToken[], scope: Scope): readonly Entry[]
  /**
   * The entry that revokes one token: of its session if the token names one, else of the token
   * itself.
   */
  entryOf(token: VerifiedToken): Entry
  /** The entry that revokes the session of a token, if the token names one. */
  sessionEntryOf(token: VerifiedToken): Entry | undefined
  /** The preconditions of a request that revokes the token that it presents. */
  preconditionsOf(token: VerifiedToken): Preconditions
  /** The current second, rounded up: a cutoff that includes every token issued until now. */
  cutoffNow(): number
  /**
   * A cutoff that includes every token issued until a time. No cutoff is later than now plus the
   * clock skew, since none can be taken back.
   */
  cutoffAt(timeS: number): number
  /**
   * The expiry of an entry, for a token that expires at `expMs`, or for the tokens of a session,
   * which live for `lifetimeS` from `fromMs` or from now. The clock skew is added.
   */
  keptUntilMs(of: { expMs: number } | { lifetimeS: number; fromMs?: number }): number
}

export type TokenEntriesParts = Readonly<{
  now: () => number
  /** The value that this instance knows under a key. */
  find: (key: RevocationKey) => Value | undefined
  maxClockSkewMs: number
}>

export function createTokenEntries(parts: TokenEntriesParts): TokenEntries {
  const { now, find, maxClockSkewMs } = parts
  const keptUntilMs: TokenEntries['keptUntilMs'] = (of) =>
    maxClockSkewMs + ('expMs' in of ? of.expMs : (of.fromMs ?? now()) + of.lifetimeS * 1000)
  const cutoffNow = () => Math.ceil(now() / 1000)
  const cutoffAt = (timeS: number) =>
    Math.min(Math.ceil(timeS), Math.ceil((now() + maxClockSkewMs) / 1000))
  const tokenUntilMs = ({ expMs }: VerifiedToken) =>
    expMs === undefined ? null : expMs + maxClockSkewMs
  const sessionUntilMs = (token: VerifiedToken) => {
    const untilMs = tokenUntilMs(token)
    if (untilMs === null) return null
    return Math.max(untilMs, keptUntilMs({ lifetimeS: token.issuer.sessionMaxLifetimeS }))
  }
  const sessionEntryOf = (token: VerifiedToken): Entry | undefined =>
    token.keys.s && { key: token.keys.s, untilMs: sessionUntilMs(token) }
  const entryOf = (token: VerifiedToken): Entry =>
    (token.timing === 'current' ? sessionEntryOf(token) : undefined) ?? {
      key: token.keys.t,
      untilMs: tokenUntilMs(token),
    }
  // The clock of an issuer may run ahead: a presented token with a later `iat` is revoked, too.
  const cutoffOf = ({ claims, issuer }: VerifiedToken) => {
    const times = [claims.iat, claims[issuer.cutoffClaim]].filter((time) => isFiniteNumber(time))
    return cutoffAt(Math.max(cutoffNow(), ...times))
  }
  const subjectEntryOf = (token: VerifiedToken): Entry[] =>
    token.keys.u === undefined
      ? []
      : [{ key: token.keys.u, untilMs: sessionUntilMs(token), cutoff: cutoffOf(token) }]
  return {
    entriesOf(tokens, scope) {
      const entries = tokens.map(entryOf)
      if (scope === 'global') entries.push(...tokens.flatMap(subjectEntryOf))
      return onePerKey(entries)
    },
    entryOf,
    sessionEntryOf,
    preconditionsOf(token) {
      const keys = keysInOrder(token.keys)
      const issuedAtS = issuedAtOf(token.claims, token.issuer.cutoffClaim)
      return {
        keys,
        issuedAtS,
        untilMs: tokenUntilMs(token),
        isKnownRevoked: keys.some((key) => {
          const value = find(key)
          return value !== undefined && isRevokedBy(key, value, issuedAtS)
        }),
      }
    },
    cutoffNow,
    cutoffAt,
    keptUntilMs,
  }
}

/** Merges the entries of one key. Several tokens may have the same session or subject. */
export function onePerKey(entries: readonly Entry[]): readonly Entry[] {
  if (entries.length < 2) return entries
  const merged = new Map<RevocationKey, Entry>()
  for (const entry of entries) {
    const before = merged.get(entry.key)
    merged.set(entry.key, before === undefined ? entry : merge(before, entry))
  }
  return [...merged.values()]
}

function keysInOrder({ t, s, u, j, n }: TokenKeys): Preconditions['keys'] {
  const keys: [RevocationKey, ...RevocationKey[]] = [t]
  if (s !== undefined) keys.push(s)
  if (u !== undefined) keys.push(u)
  if (n !== undefined) keys.push(n)
  if (j !== undefined) keys.push(j)
  return keys
}

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value)
