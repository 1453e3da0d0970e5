import type { RevocationKey } from '../token/keys.js'

/** One revocation as the store keeps it. */
export type Entry = Readonly<{
  key: RevocationKey
  /** Absolute expiry in epoch milliseconds; `null`: never. */
  untilMs: number | null
  /** For `u:` only: whole epoch seconds; tokens with `iat` up to it are revoked. */
  cutoff?: number
}>

/** What a read finds under a key: a mark, which for `u:` is the cutoff. */
export type Mark = number

/** The entry that a mark under a key stands for. */
export const entryWith = (key: RevocationKey, untilMs: number | null, mark: Mark): Entry => ({ key, untilMs, ...(key.startsWith('u:') && { cutoff: mark }) })

/**
 * What a commit writes under a key; it crosses Keyv as it is. With it come the audit event that is to be stored with it (empty: none),
 * and the keys that are to be deleted with it.
 */
export type Written = Readonly<{ untilMs: number | null; mark: Mark; event: string; gone: readonly string[] }>
