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

/** Entries cross Keyv as compact text, without Keyv's JSON envelope. */
export const encodeEntry = ({ untilMs, cutoff }: Omit<Entry, 'key'>): string => `${untilMs ?? ''};${cutoff ?? 1}`

export function decodeEntry(text: string): { untilMs: number | null; mark: Mark } {
  const [until = '', mark = ''] = text.split(';')
  return { untilMs: until === '' ? null : Number(until), mark: Number(mark) }
}
