import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { jsonFault } from '../runtime/json-fault.js'
import { publicJwkOf } from './jwk.js'
import { algorithmsOf } from './key-material.js'
import { parsedBy, type Option } from './options.js'
import { unquoted } from './pem.js'

/** A private key that signs, with the header members of what it signs (RFC 7515 §4.1). */
export type SigningKey = Readonly<{ key: KeyObject; alg: string; kid?: string }>

/**
 * Reads a private key from PEM (PKCS#8, PKCS#1, SEC 1; line ends may be written as `\n`) or a JWK.
 * Without an `alg` it signs with RS256, the algorithm of its curve, or EdDSA.
 *
 * @throws Error whose message says what is wrong, and never quotes the key
 */
export function parsePrivateKey(text: string): SigningKey {
  const written = unquoted(text)
  const jwk = written.startsWith('{') && jsonFault(written) === undefined ? membersOf(written) : {}
  const key = readable(() =>
    'kty' in jwk
      ? createPrivateKey({ key: jwk, format: 'jwk' })
      : createPrivateKey(written.replaceAll('\\n', '\n')),
  )
  const named = { ...textMember(jwk, 'kid'), ...textMember(jwk, 'alg') }
  const [usual = ''] = algorithmsOf(publicJwkOf(createPublicKey(key), named))
  return { key, alg: usual, ...named }
}

/** A private key as a text, or as the object of its JWK. */
export const privateKey: Option<SigningKey> = {
  ...parsedBy(parsePrivateKey),
  check: (value, report) =>
    parsedBy(parsePrivateKey).check(
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
      report,
    ),
}

const membersOf = (text: string) => JSON.parse(text) as Readonly<Record<string, unknown>>

const textMember = <Name extends string>(
  jwk: Readonly<Record<string, unknown>>,
  name: Name,
): Partial<Record<Name, string>> =>
  typeof jwk[name] === 'string' ? ({ [name]: jwk[name] } as Record<Name, string>) : {}

function readable(read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch {
    // The error may quote the key.
    throw new Error('must be a private key as PEM or JWK, without a passphrase')
  }
}
