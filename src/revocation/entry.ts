import type { RevocationKey } from '../token/keys.js'

/** One revocation as the store keeps it. */
export type Entry = Readonly<{
  key: RevocationKey
  /** Absolute expiry in epoch milliseconds; `null`: never. */
  untilMs: number | null
  /** For `u:` only: whole epoch seconds; tokens with `iat` up to it are revoked. */
  cutoff?: number
}>

/** The later of two expiries; `null` is never. */
export const laterOf = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other)

/** Whether one entry lives at least as long as another, or falls short of it by no more than `toleranceMs`. */
export const coversLife = (
  held: Pick<Entry, 'untilMs'>,
  { untilMs }: Pick<Entry, 'untilMs'>,
  toleranceMs = 0,
): boolean => held.untilMs === null || (untilMs !== null && held.untilMs >= untilMs - toleranceMs)

/** What a read finds under a key: a mark, which for `u:` is the cutoff. */
export type Value = number

/** @throws Error where somebody else wrote it */
export function parseValue(key: string, text: string | undefined): Value {
  if (text === undefined || !/^\d{1,16}$/.test(text))
    throw new Error(`the revocation ${key} in the store is unreadable`)
  return Number(text)
}

/** The entry that a mark under a key stands for. */
export const entryWith = (key: RevocationKey, untilMs: number | null, mark: Value): Entry => ({
  key,
  untilMs,
  ...(key.startsWith('u:') && { cutoff: mark }),
})

export const valueOf = ({ cutoff = 1 }: Entry): Value => cutoff

/** A cutoff revokes tokens from before it, and those that cannot say when they are from; any other mark revokes as it stands. */
export function isRevokedBy(
  key: RevocationKey,
  mark: Value | undefined,
  issuedAtS: unknown,
): boolean {
  if (mark === undefined) return false
  return !key.startsWith('u:') || typeof issuedAtS !== 'number' || issuedAtS <= mark
}
