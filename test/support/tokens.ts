import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { plant } from './leaks.js'

export const hmacSecret =
  'a-secret-of-the-tests-that-is-long-enough-for-hs512-which-needs-sixty-four-bytes'

type KeyPair = { publicKey: KeyObject; privateKey: KeyObject }

export const rsa: KeyPair = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ec: Record<string, KeyPair> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
}
export const ed25519: KeyPair = generateKeyPairSync('ed25519')

export const algorithms = [
  'HS256',
  'HS384',
  'HS512',
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

export function keyPairOf(algorithm: string): KeyPair {
  if (/^[RP]S/.test(algorithm)) return rsa
  return ec[algorithm] ?? ed25519
}

export const pemOf = (algorithm: string) =>
  keyPairOf(algorithm).publicKey.export({ type: 'spki', format: 'pem' }).toString()

/** The variables by which the service accepts tokens of an algorithm. */
export function keyVariables(algorithm: string): Record<string, string> {
  return algorithm.startsWith('HS')
    ? { JWT_SECRET: hmacSecret, JWT_ALGORITHMS: algorithm }
    : { JWT_PUBLIC_KEY: pemOf(algorithm), JWT_ALGORITHMS: algorithm }
}

export type Claims = Record<string, unknown>

/** Whole seconds now, moved by an offset. */
export const nowS = (offsetS = 0) => Math.floor(Date.now() / 1000) + offsetS

/** Fresh claims of one login, without the members that are given as undefined. */
export function freshClaims(claims: Claims = {}): Claims {
  const all: Claims = {
    iss: 'https://issuer.test',
    sub: `user-${randomUUID()}`,
    sid: randomUUID(),
    jti: randomUUID(),
    iat: nowS(),
    exp: nowS(600),
    ...claims,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** A signed token with fresh claims, registered as a value that must not leak. */
export async function token(
  claims: Claims = {},
  algorithm = 'HS256',
  header: Record<string, unknown> = {},
): Promise<string> {
  return sign(freshClaims(claims), algorithm, header)
}

export async function sign(
  claims: Claims,
  algorithm = 'HS256',
  header: Record<string, unknown> = {},
): Promise<string> {
  const key = algorithm.startsWith('HS') ? Buffer.from(hmacSecret) : keyPairOf(algorithm).privateKey
  const jwt = await new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...header })
    .sign(key)
  plantToken(jwt, claims)
  return jwt
}

function plantToken(jwt: string, { sid, jti }: Claims): void {
  plant(jwt)
  plant(jwt.split('.')[2] ?? jwt)
  // Only random ones: a claim that a test names may also be a subject, which is logged.
  for (const claim of [sid, jti])
    if (typeof claim === 'string' && /^[0-9a-f]{8}-/.test(claim)) plant(claim)
}

/** A token of this many characters; one less where base64url has no text of that length. */
export async function tokenOfLength(length: number, claims: Claims = {}): Promise<string> {
  const all = freshClaims({ ...claims, filler: '' })
  const [, payload = ''] = (await sign(all)).split('.')
  const others = (await sign(all)).length - payload.length
  const bytes = Math.floor(((length - others) * 3) / 4)
  const missing = bytes - Buffer.byteLength(payload, 'base64url')
  return sign({ ...all, filler: 'x'.repeat(missing) })
}

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** A valid logout token, unless the claims say otherwise. */
export async function logoutToken(
  claims: Claims = {},
  header: Record<string, unknown> = { typ: 'logout+jwt' },
  algorithm = 'HS256',
): Promise<string> {
  return sign(
    freshClaims({ aud: 'app', events: { [logoutEvent]: {} }, ...claims }),
    algorithm,
    header,
  )
}
