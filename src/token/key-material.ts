import type { JsonWebKey } from 'node:crypto'

/** A public key that may verify signatures. `kid` and `alg` are those of RFC 7517 §4. */
export type PublicJwk = JsonWebKey & Readonly<{ kty: string; kid?: string; alg?: string }>

/** A shared secret. `kid` and `alg` are those of RFC 7517 §4. */
export type SecretKey = Readonly<{ bytes: Buffer; kid?: string; alg?: string }>

/** A key of a set that is not used, and why. */
export type SkippedKey = Readonly<{ kid?: string; reason: string; isForEncryption: boolean }>

/**
 * Length of the hash output in bytes, which is the least length of an HMAC secret (RFC 7518 §3.2).
 */
export const hmacSecretBytes = { HS256: 32, HS384: 48, HS512: 64 } as const

export const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

const curveAlgorithm: Record<string, string> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
}

/**
 * The algorithms that suit the type of a key, whatever its `alg` is. Those used by default come
 * first.
 */
export function algorithmsOf(jwk: PublicJwk): string[] {
  if (jwk.kty === 'RSA') return ['RS256', 'PS256', 'RS384', 'RS512', 'PS384', 'PS512']
  if (jwk.kty === 'OKP') return jwk.crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : []
  const algorithm = jwk.kty === 'EC' ? curveAlgorithm[jwk.crv ?? ''] : undefined
  return algorithm === undefined ? [] : [algorithm]
}

/**
 * The accepted algorithms when none are configured: the `alg` of each key. For a key without `alg`
 * they are RS256 and PS256 for RSA, one by curve for EC, EdDSA and Ed25519 for Ed25519.
 */
export function defaultAlgorithms(keys: readonly PublicJwk[]): string[] {
  return [
    ...new Set(
      keys.flatMap((key) => (key.alg === undefined ? algorithmsOf(key).slice(0, 2) : [key.alg])),
    ),
  ]
}
