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

/** What crosses Keyv is compact text, without Keyv's JSON envelope: an entry, and the audit event that is to be stored with it. */
export const encodeEntry = ({ untilMs, cutoff }: Omit<Entry, 'key'>, event = ''): string => `${untilMs ?? ''};${cutoff ?? 1};${event}`

/** In the place of an entry: what is under this key is to be deleted. */
export const goneEntry = ''

export function decodeEntry(text: string): { untilMs: number | null; mark: Mark; event: string } {
  const first = text.indexOf(';')
  const second = text.indexOf(';', first + 1)
  return { untilMs: first === 0 ? null : Number(text.slice(0, first)), mark: Number(text.slice(first + 1, second)), event: text.slice(second + 1) }
}
