import type { RevocationKey } from '../token/keys.js'
import { ForeignValue } from './store-errors.js'

/*
 * The two rules of the set. They are implemented here (for the embedded store and the checks), in
 * `live-set.ts`, in `store/redis/commit.lua`, and by clients in other languages. One property test,
 * `test/revocation/rules.test.ts`, proves these implementations equal.
 *
 * Merge: two entries under one key become one entry, with the later expiry and the larger value.
 * "Never" is the latest expiry. The order of merging does not matter, and merging an entry twice
 * changes nothing. No entry is withdrawn before it expires; after that it counts as absent.
 *
 * Is revoked by: an entry revokes every token that has its key. Under a `u:` or `n:` key the value
 * is a cutoff in seconds, and the entry revokes only tokens that were issued at the cutoff or
 * before, and tokens that do not say when they were issued.
 */

/** One revocation as the store keeps it. */
export type Entry = Readonly<{
  key: RevocationKey
  /** Absolute expiry in epoch milliseconds; `null`: never. */
  untilMs: number | null
  /** For `u:` and `n:` only: a cutoff in whole epoch seconds. */
  cutoff?: number
}>

/** What the store keeps under a key: `1`, or for `u:` and `n:` the cutoff. */
export type Value = number

/** Whether the entries under a key have a cutoff. */
export const hasCutoff = (key: string): boolean => key.startsWith('u:') || key.startsWith('n:')

export const valueOf = ({ cutoff = 1 }: Entry): Value => cutoff

/** The entry that a value under a key stands for. */
export const entryWith = (key: RevocationKey, untilMs: number | null, value: Value): Entry =>
  hasCutoff(key) ? { key, untilMs, cutoff: value } : { key, untilMs }

/** The merge rule, for two entries under one key. */
export const merge = (one: Entry, other: Entry): Entry =>
  entryWith(one.key, laterOf(one.untilMs, other.untilMs), Math.max(valueOf(one), valueOf(other)))

/**
 * The rule "is revoked by", for a token that has the key; `value` is `undefined` where there is no
 * entry.
 */
export function isRevokedBy(
  key: RevocationKey,
  value: Value | undefined,
  issuedAtS: unknown,
): boolean {
  if (value === undefined) return false
  return !hasCutoff(key) || typeof issuedAtS !== 'number' || issuedAtS <= value
}

/** The later of two expiries; `null` is never. */
export const laterOf = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : Math.max(one, other)

/**
 * Milliseconds. A merge that adds less than this to the life of an entry changes nothing, and sends
 * no event (`commit.lua`). So every entry counts for this much longer than its event says.
 */
export const unsentLifeMs = 1_000

/** Whether `held` lasts so long that a merge with another entry would not prolong it. */
export const coversLife = (
  held: Pick<Entry, 'untilMs'>,
  { untilMs }: Pick<Entry, 'untilMs'>,
): boolean => held.untilMs === null || (untilMs !== null && held.untilMs >= untilMs - unsentLifeMs)

/**
 * Whether an entry that the store holds makes it unnecessary to store another one under the same
 * key.
 */
export const covers = (held: Entry | undefined, entry: Entry): boolean =>
  held !== undefined && (held.cutoff ?? 0) >= (entry.cutoff ?? 0) && coversLife(held, entry)

/**
 * Parses the text that the store holds under a key.
 *
 * @param name the whole key in the store
 * @throws ForeignValue when cierre did not write that text
 */
export function parseValue(name: string, text: string | undefined): Value {
  if (text === undefined || !/^\d{1,16}$/.test(text)) throw new ForeignValue(name)
  return Number(text)
}
