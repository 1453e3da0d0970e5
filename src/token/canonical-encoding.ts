import { ServiceError } from '../errors.js'

/** A JWT in its one canonical encoding. Only `parseCanonical` makes one. */
export type CompactJwt = Readonly<{
  header: string
  payload: string
  signature: string
  /** What the signature covers: `header.payload`. */
  signingInput: string
}>

/**
 * `MAX_TOKEN_LENGTH` in characters. The longest leaves 8 KiB of the 32 KiB for the head of a request
 * to its other fields.
 */
export const tokenLength = { least: 64, default: 16_384, most: 24_576 } as const
const segment = /^[A-Za-z0-9_-]+$/
// By segment length modulo 4: the last characters whose unused low bits (four, or two) are zero.
const lastOfTwo = /[AQgw]$/
const lastOfThree = /[AEIMQUYcgkosw048]$/

/**
 * Splits a token that is canonically encoded, and refuses every other. Base64url decoders are
 * lenient: one signature can be written with other unused bits, with padding or with white space,
 * and a revocation by the text would be bypassed. Nothing is trimmed or repaired (RFC 7515 §2, RFC
 * 4648 §3.5).
 *
 * @throws ServiceError `invalid_token`; with the reason `too_long` nothing else is known of the token
 */
export function parseCanonical(text: string, maxLength: number = tokenLength.default): CompactJwt {
  const malformed = () => new ServiceError('invalid_token', { reason: 'spelling' })
  if (text.length > maxLength) throw new ServiceError('invalid_token', { reason: 'too_long' })
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  if (first === -1 || second === -1) throw malformed()
  const [header, payload, signature] = [
    text.slice(0, first),
    text.slice(first + 1, second),
    text.slice(second + 1),
  ]
  // A third dot would be in the last segment, where it is no canonical character.
  if (!isCanonical(header) || !isCanonical(payload) || !isCanonical(signature)) throw malformed()
  return { header, payload, signature, signingInput: text.slice(0, second) }
}

function isCanonical(text: string): boolean {
  if (!segment.test(text)) return false
  const spare = text.length % 4
  return (
    spare === 0 || (spare === 2 && lastOfTwo.test(text)) || (spare === 3 && lastOfThree.test(text))
  )
}
