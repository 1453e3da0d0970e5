import {
  hmacSecretBytes,
  defaultAlgorithms,
  algorithmsOf,
  parsePublicKeys,
  publicKeyAlgorithms,
  type PublicJwk,
} from './key-material.js'
import type { Reader } from './option-reader.js'

export type KeyConfig =
  | Readonly<{ kind: 'secret'; secret: string }>
  | Readonly<{ kind: 'public'; jwks: readonly PublicJwk[] }>
  | Readonly<{ kind: 'remote'; uri: string }>

const families = {
  secret: Object.keys(hmacSecretBytes),
  public: [...publicKeyAlgorithms] as string[],
}

/** The key of one entry of `JWT_ISSUERS`. */
export function readEntryKey(
  reader: Reader,
  at: string,
  secret: string | undefined,
  publicKey: unknown,
  uri: string | undefined,
): KeyConfig | undefined {
  if ([secret, publicKey, uri].filter((source) => source !== undefined).length !== 1) {
    reader.fault(at, 'needs exactly one of secret, publicKey, jwksUri')
    return undefined
  }
  if (secret !== undefined) return { kind: 'secret', secret }
  if (uri !== undefined) return readRemote(reader, `${at}.jwksUri`, uri)
  if (typeof publicKey === 'string') return readPublic(reader, `${at}.publicKey`, publicKey)
  reader.fault(`${at}.publicKey`, 'must be PEM, a JWK or a JWKS')
  return undefined
}

export function readPublic(reader: Reader, name: string, text: string): KeyConfig | undefined {
  const jwks = reader.attempt(name, () => parsePublicKeys(text))
  return jwks === undefined ? undefined : { kind: 'public', jwks }
}

export function readRemote(reader: Reader, name: string, uri = ''): KeyConfig | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === ''
  )
    return { kind: 'remote', uri }
  reader.fault(name, 'must be an http or https URL, without user and password')
  return undefined
}

/** The named algorithms, or those that go with the key; all of one family. */
export function checkAlgorithms(
  reader: Reader,
  name: string,
  named: readonly string[],
  key: KeyConfig,
): readonly string[] {
  const [own, other] =
    key.kind === 'secret' ? [families.secret, families.public] : [families.public, families.secret]
  const wrong = named.filter((algorithm) => !own.includes(algorithm))
  if (wrong.some((algorithm) => other.includes(algorithm))) {
    reader.fault(
      name,
      `has ${wrong.join(', ')}, which does not go with ${key.kind === 'secret' ? 'a shared secret' : 'public keys'}`,
    )
    return []
  }
  if (wrong.length > 0) reader.fault(name, `has ${wrong.join(', ')}, which nobody knows`)
  if (key.kind === 'public') {
    const unused = named.filter(
      (algorithm) => !key.jwks.some((jwk) => algorithmsOf(jwk).includes(algorithm)),
    )
    if (unused.length > 0 && wrong.length === 0)
      reader.fault(name, `has ${unused.join(', ')}, which no key is for`)
  }
  // EdDSA and Ed25519 are two names of one algorithm here (RFC 9864).
  return named.some((one) => one === 'EdDSA' || one === 'Ed25519')
    ? [...new Set([...named, 'EdDSA', 'Ed25519'])]
    : named.length > 0
      ? named
      : key.kind === 'secret'
        ? ['HS256']
        : key.kind === 'public'
          ? defaultAlgorithms(key.jwks)
          : ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
}

/** RFC 7518 §3.2: a secret at least as long as the hash output. */
export function checkSecret(
  reader: Reader,
  name: string,
  key: KeyConfig,
  algorithms: readonly string[],
): void {
  if (key.kind !== 'secret') return
  const needed = Math.max(
    ...algorithms.map(
      (algorithm) => hmacSecretBytes[algorithm as keyof typeof hmacSecretBytes] ?? 0,
    ),
  )
  if (Buffer.byteLength(key.secret, 'utf8') < needed)
    reader.fault(name, `must be at least ${needed} bytes long for ${algorithms.join(', ')}`)
}
