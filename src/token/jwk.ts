import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  algorithmsOf,
  hmacSecretBytes,
  type PublicJwk,
  type SecretKey,
  type SkippedKey,
} from './key-material.js'

/** Why a key is not used. The message follows the name of a setting, and never quotes the key. */
export class UnusableKeyError extends Error {
  constructor(
    message: string,
    readonly kind: 'private' | 'encryption' | 'other' = 'other',
    readonly kid?: string,
  ) {
    super(message)
  }
}

type Jwk = Readonly<Record<string, unknown>> &
  Readonly<{ kty?: string; kid?: string; alg?: string; use?: string; key_ops?: unknown[] }>

/** The keys of a set that `read` takes, and the others (RFC 7517 §5). */
export function readKeySet<T>(
  members: readonly unknown[],
  read: (member: unknown) => T,
): Readonly<{ keys: readonly T[]; unusable: readonly UnusableKeyError[] }> {
  const keys: T[] = []
  const unusable: UnusableKeyError[] = []
  for (const member of members)
    try {
      keys.push(read(member))
    } catch (error) {
      if (!(error instanceof UnusableKeyError)) throw error
      unusable.push(error)
    }
  return { keys, unusable }
}

export const skippedKey = ({ message, kind, kid }: UnusableKeyError): SkippedKey => ({
  reason: message,
  isForEncryption: kind === 'encryption',
  ...(kid !== undefined && { kid }),
})

/**
 * The members of a public key that verification needs, in one form: `n`, `e`, `x` and `y` as
 * RFC 7518 §6 has them. A member that is `null` counts as absent.
 *
 * @throws UnusableKeyError when the key is not for signatures, not public, or too weak
 */
export function readPublicJwk(candidate: unknown): PublicJwk {
  const jwk = membersOf(candidate)
  const { kid, alg } = jwk
  if (jwk.kty === 'oct')
    throw new UnusableKeyError(
      'holds a symmetric key, which has to be configured as a shared secret',
      'other',
      kid,
    )
  if (jwk['d'] !== undefined)
    throw new UnusableKeyError('is a private key; give the public one', 'private', kid)
  requireForSignatures(jwk)
  return {
    ...publicJwkOf(keyOf(jwk), jwk),
    ...(kid !== undefined && { kid }),
    ...(alg !== undefined && { alg }),
  }
}

/**
 * A public key as a JWK without `kid` and `alg`.
 *
 * @param named the `kid` that messages are about, and the `alg` that the key has to suit
 * @throws UnusableKeyError when no JWT algorithm uses the key, or when it is too weak (RFC 7518
 * §3.3: RSA of at least 2048 bits)
 */
export function publicJwkOf(
  key: KeyObject,
  { kid, alg }: Readonly<{ kid?: string; alg?: string }> = {},
): PublicJwk {
  const jwk = exportedJwk(key, kid)
  if (jwk.kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits)
    throw new UnusableKeyError(`holds an RSA key under ${leastRsaBits} bits`, 'other', kid)
  const usable = algorithmsOf(jwk)
  if (usable.length === 0)
    throw new UnusableKeyError('holds a key that no JWT algorithm uses', 'other', kid)
  if (alg !== undefined && !usable.includes(alg))
    throw new UnusableKeyError(
      'holds a key whose alg is not for verifying JWTs with it',
      isEncryption(alg) ? 'encryption' : 'other',
      kid,
    )
  return jwk
}

const leastRsaBits = 2048

/**
 * A shared secret (RFC 7518 §6.4).
 *
 * @throws UnusableKeyError when the key is not symmetric or not for signatures
 */
export function readSecretJwk(candidate: unknown): SecretKey {
  const jwk = membersOf(candidate)
  const { kty, kid, alg } = jwk
  if (kty !== 'oct')
    throw new UnusableKeyError('holds a key that is no shared secret (kty oct)', 'other', kid)
  requireForSignatures(jwk)
  const k = jwk['k']
  if (typeof k !== 'string' || !isBase64(k))
    throw new UnusableKeyError('holds a key that cannot be read', 'other', kid)
  if (alg !== undefined && !(alg in hmacSecretBytes))
    throw new UnusableKeyError(
      'holds a key whose alg is not for verifying JWTs with it',
      'other',
      kid,
    )
  return {
    bytes: Buffer.from(k, 'base64'),
    ...(kid !== undefined && { kid }),
    ...(alg !== undefined && { alg }),
  }
}

function membersOf(candidate: unknown): Jwk {
  if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate))
    throw new UnusableKeyError('holds a key that is no object')
  const jwk = Object.fromEntries(Object.entries(candidate).filter(([, value]) => value !== null))
  const odd = ['kid', 'alg', 'use'].find(
    (member) => jwk[member] !== undefined && typeof jwk[member] !== 'string',
  )
  if (odd !== undefined) throw new UnusableKeyError(`holds a key whose ${odd} is no string`)
  if (jwk['key_ops'] !== undefined && !Array.isArray(jwk['key_ops']))
    throw new UnusableKeyError('holds a key whose key_ops is no array')
  return jwk
}

/** RFC 7517 §4.2, §4.3. */
function requireForSignatures({ use, key_ops: operations, kid }: Jwk): void {
  if ((use ?? 'sig') === 'sig' && (operations === undefined || operations.includes('verify')))
    return
  throw new UnusableKeyError(
    'holds a key whose use or key_ops does not allow to verify',
    'encryption',
    kid,
  )
}

/** Algorithms of JWE (RFC 7518 §4.1). */
const isEncryption = (alg: string) => /^(?:RSA-OAEP|RSA1_5|ECDH-ES|A\d{3}|dir|PBES2)/.test(alg)

const keyMembers = ['n', 'e', 'x', 'y'] as const

function keyOf(jwk: Jwk): KeyObject {
  // Node skips characters that are not of base64.
  const isRead = keyMembers.every((member) => {
    const value = jwk[member]
    return value === undefined || (typeof value === 'string' && isBase64(value))
  })
  try {
    if (isRead) return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    // The error would quote the key.
  }
  throw new UnusableKeyError('holds a key that cannot be read', 'other', jwk.kid)
}

/** Base64url, as RFC 7518 §6 demands, or the base64 that some providers write. */
const isBase64 = (text: string) => /^[\w+/-]+={0,2}$/.test(text)

function exportedJwk(key: KeyObject, kid: string | undefined): PublicJwk {
  const type = key.asymmetricKeyType ?? key.type
  if (type === 'rsa-pss')
    throw new UnusableKeyError(
      'holds an RSA key that is bound to PSS (id-RSASSA-PSS), a form that JWTs do not have (RFC 7518 §6.3); give it as a plain RSA key (rsaEncryption)',
      'other',
      kid,
    )
  try {
    return key.export({ format: 'jwk' }) as PublicJwk
  } catch {
    const { namedCurve } = key.asymmetricKeyDetails ?? {}
    const what = namedCurve === undefined ? type : `${type}, ${namedCurve}`
    throw new UnusableKeyError(`holds a key that no JWT algorithm uses (${what})`, 'other', kid)
  }
}
