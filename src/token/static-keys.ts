import { jsonFault } from '../runtime/json-fault.js'
import { publicJwkOf, readKeySet, readPublicJwk, readSecretJwk, skippedKey } from './jwk.js'
import type { PublicJwk, SecretKey, SkippedKey } from './key-material.js'
import { isTexts } from './options.js'
import { isPem, readPem, unquoted } from './pem.js'

/** Keys that are given as they are, and those of their sets that are not used. */
export type StaticKeys<T> = Readonly<{ keys: readonly T[]; skipped: readonly SkippedKey[] }>

/**
 * Reads public keys from PEM, a JWK or a JWKS.
 *
 * @throws Error whose message tells the operator what is wrong, and never quotes the key
 */
export function parsePublicKeys(text: string): StaticKeys<PublicJwk> {
  const written = unquoted(text)
  if (written.startsWith('{')) return readJwkOrSet(parseJson(written), readPublicJwk)
  if (!isPem(written))
    throw new Error('is neither PEM (BEGIN PUBLIC KEY, BEGIN CERTIFICATE) nor JWK nor JWKS JSON')
  return { keys: readPem(written).map((key) => publicJwkOf(key)), skipped: [] }
}

/**
 * Reads shared secrets from a text, which is a secret as it stands unless it is a JWK of the type
 * `oct`, a JWKS, or a JSON array of secrets.
 *
 * @throws Error whose message tells the operator what is wrong, and never quotes the secret
 */
export function parseSecrets(text: string): StaticKeys<SecretKey> {
  const trimmed = text.trim()
  if (/^(?:\[\s*\]|\{\s*\})$/.test(trimmed)) throw new Error('is JSON without a secret in it')
  if (/^\{[^]*"(?:kty|keys)"/.test(trimmed)) return readJwkOrSet(parseJson(trimmed), readSecretJwk)
  const list = /^\[\s*"/.test(trimmed) ? listOf(trimmed) : undefined
  return { keys: (list ?? [text]).map(secretOf), skipped: [] }
}

/** The texts of a JSON array; `undefined` for a secret that only begins like one. */
function listOf(text: string): string[] | undefined {
  const list: unknown = jsonFault(text) === undefined ? JSON.parse(text) : undefined
  return isTexts(list) ? list : undefined
}

function secretOf(text: string): SecretKey {
  if (isPem(text))
    throw new Error(
      'is a PEM block, which is no shared secret: anybody may know a public key, and sign with it',
    )
  // A process decodes its environment with U+FFFD in the place of what is no UTF-8.
  if (text.includes('\ufffd') || !text.isWellFormed())
    throw new Error('is no UTF-8; give a binary secret as a JWK of the type oct')
  return { bytes: Buffer.from(text, 'utf8') }
}

function readJwkOrSet<T>(
  json: Readonly<Record<string, unknown>>,
  read: (member: unknown) => T,
): StaticKeys<T> {
  if (!('keys' in json)) return { keys: [read(json)], skipped: [] }
  const members = json['keys']
  if (!Array.isArray(members) || members.length === 0)
    throw new Error('a JWKS needs a "keys" array that is not empty')
  const { keys, unusable } = readKeySet(members, read)
  const secret = unusable.find(({ kind }) => kind === 'private')
  if (secret !== undefined) throw secret
  if (keys.length === 0)
    throw new Error([...new Set(unusable.map(({ message }) => message))].join('; it '))
  return { keys, skipped: unusable.map(skippedKey) }
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  const fault = jsonFault(text)
  if (fault !== undefined)
    throw new Error(`is not JSON: line ${fault.line}, column ${fault.column}`)
  return JSON.parse(text) as Record<string, unknown>
}
