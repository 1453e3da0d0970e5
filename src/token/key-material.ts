import { createPublicKey, type JsonWebKey } from 'node:crypto'

/**
 * A public key that may verify signatures. `kid`, `alg`, `use` and `key_ops` are those of RFC 7517
 * §4.
 */
export type PublicJwk = JsonWebKey &
  Readonly<{ kty: string; kid?: string; alg?: string; use?: string; key_ops?: string[] }>

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
const leastRsaBits = 2048

/**
 * Reads public keys from PEM (SPKI; `\n` may be literal), JWK or JWKS.
 *
 * @throws Error whose message tells the operator what is wrong, and never quotes the key
 */
export function parsePublicKeys(text: string): PublicJwk[] {
  const trimmed = text.trim().replaceAll('\\n', '\n')
  if (!trimmed.startsWith('{')) return [publicKeyOf(trimmed)]
  const parsed = parseJson(text)
  const keys = 'keys' in parsed ? parsed['keys'] : [parsed]
  if (!Array.isArray(keys) || keys.length === 0)
    throw new Error('a JWKS needs a "keys" array that is not empty')
  const checked = keys.map((key: unknown) => checkPublicJwk(key))
  if (!checked.some(mayVerify))
    throw new Error('holds no key whose use and key_ops allow to verify')
  return checked
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch (cause) {
    throw new Error('is not JSON', { cause })
  }
}

function publicKeyOf(pem: string): PublicJwk {
  if (pem.includes('PRIVATE KEY')) throw new Error('is a private key; give the public one')
  if (!pem.includes('BEGIN PUBLIC KEY'))
    throw new Error('is neither PEM (BEGIN PUBLIC KEY) nor JWK nor JWKS JSON')
  let jwk
  try {
    jwk = createPublicKey({ key: pem, format: 'pem' }).export({ format: 'jwk' })
  } catch (cause) {
    throw new Error('is PEM that cannot be read', { cause })
  }
  return checkPublicJwk(jwk)
}

/**
 * @throws Error when the key cannot verify, is not public, or is too weak (RFC 7518 §3.3: RSA of at
 * least 2048 bits)
 */
export function checkPublicJwk(candidate: unknown): PublicJwk {
  if (typeof candidate !== 'object' || candidate === null)
    throw new Error('holds a key that is no object')
  const jwk = candidate as PublicJwk
  const odd = (['kid', 'alg', 'use'] as const).find(
    (name) => jwk[name] !== undefined && typeof jwk[name] !== 'string',
  )
  if (odd !== undefined) throw new Error(`holds a key whose ${odd} is no string`)
  if (jwk.key_ops !== undefined && !Array.isArray(jwk.key_ops))
    throw new Error('holds a key whose key_ops is no array')
  if (jwk.kty === 'oct')
    throw new Error('holds a symmetric key, which has to be configured as a shared secret')
  if (jwk.d !== undefined) throw new Error('is a private key; give the public one')
  let key
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw new Error('holds a key that cannot be read', { cause })
  }
  if (
    key.asymmetricKeyType === 'rsa' &&
    (key.asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits
  ) {
    throw new Error(`holds an RSA key under ${leastRsaBits} bits`)
  }
  const usable = algorithmsOf(jwk)
  if (usable.length === 0) throw new Error('holds a key that no JWT algorithm uses')
  if (jwk.alg !== undefined && !usable.includes(jwk.alg))
    throw new Error('holds a key whose alg is not for verifying JWTs with it')
  return jwk
}

/** Whether `use` and `key_ops` allow to verify signatures (RFC 7517 §4.2, §4.3). */
export function mayVerify({ use, key_ops: operations }: PublicJwk): boolean {
  return (
    (use === undefined || use === 'sig') &&
    (operations === undefined || operations.includes('verify'))
  )
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
