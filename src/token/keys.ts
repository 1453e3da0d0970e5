import { hash } from 'node:crypto'
import type { CompactJwt } from './canonical-encoding.js'

/**
 * The kinds of keys: `t` token, `s` session, `u` subject, `j` token id, `n` the tokens of a subject
 * that name no session.
 */
export const keyKinds = ['t', 's', 'u', 'j', 'n'] as const
export type KeyKind = (typeof keyKinds)[number]

/** A kind and 22 characters of base64url. */
export type RevocationKey = `${KeyKind}:${string}`

/**
 * The keys that can revoke one token. A claim that counts as absent (`claimText`) has no key. A
 * token has `n` if it has a subject and no session.
 */
export type TokenKeys = Readonly<{
  t: RevocationKey
  s?: RevocationKey
  u?: RevocationKey
  j?: RevocationKey
  n?: RevocationKey
}>

/**
 * A claim as the text that is used in keys, templates and header fields: a well-formed text that is
 * not empty, of any length, or the decimal digits of an integer up to 2^53 − 1.
 *
 * @returns nothing for any other value, which counts as absent
 */
export function claimText(claim: unknown): string | undefined {
  if (typeof claim === 'string') return claim !== '' && claim.isWellFormed() ? claim : undefined
  // `String(-0)` is `0`.
  return Number.isSafeInteger(claim) ? String(claim) : undefined
}

/**
 * The keys of a token, by its claims as `nameClaims` names them. The signature is left out of `t:` on purpose: one signing input can have
 * many valid signatures (an ECDSA `n−s` twin, a second PSS salt), and all of them are the same
 * token.
 */
export function tokenKeys(jwt: CompactJwt, named: Readonly<Record<string, unknown>>): TokenKeys {
  const t: RevocationKey = `t:${digest(`jwt-signing-input\0${jwt.signingInput}`)}`
  const s = claimKey('s', named['iss'], named['sid'])
  const u = claimKey('u', named['iss'], named['sub'])
  const j = claimKey('j', named['iss'], named['jti'])
  if (s !== undefined && u !== undefined && j !== undefined) return { t, s, u, j }
  const n = s === undefined ? claimKey('n', named['iss'], named['sub']) : undefined
  return { t, ...(s && { s }), ...(u && { u }), ...(j && { j }), ...(n && { n }) }
}

const domains = {
  s: 'jwt-session\0',
  u: 'jwt-subject\0',
  j: 'jwt-id\0',
  n: 'jwt-subject-no-session\0',
} as const

/**
 * The key of a session (`s`), a subject (`u`), a subject's tokens without a session (`n`) or a token
 * id (`j`) of an issuer. The lengths come first, so that no two pairs of issuer and claim have the
 * same key.
 *
 * @returns nothing when the claim counts as absent (`claimText`); an `iss` that counts as absent is
 * the empty text
 */
export function claimKey(
  kind: keyof typeof domains,
  iss: unknown,
  claim: unknown,
): RevocationKey | undefined {
  const [issuer, text] = [claimText(iss) ?? '', claimText(claim)]
  if (text === undefined) return undefined
  const [issuerBytes, claimBytes] = [Buffer.byteLength(issuer), Buffer.byteLength(text)]
  // A length below 128 is one byte in UTF-8, so the whole can be hashed as one text: 1.2 µs instead
  // of 4.3 µs (`npm run bench:parts`).
  if (Math.max(issuerBytes, claimBytes) < 0x80) {
    return `${kind}:${digest(`${domains[kind]}\0\0\0${String.fromCharCode(issuerBytes)}\0\0\0${String.fromCharCode(claimBytes)}${issuer}${text}`)}`
  }
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(issuerBytes, 0)
  lengths.writeUInt32BE(claimBytes, 4)
  return `${kind}:${digest(Buffer.concat([Buffer.from(domains[kind], 'latin1'), lengths, Buffer.from(issuer), Buffer.from(text)]))}`
}

const keyPattern = new RegExp(`^[${keyKinds.join('')}]:[A-Za-z0-9_-]{21}[AQgw]$`)

/** The text as a key, or nothing when it is none. */
export function decodeKey(text: unknown): RevocationKey | undefined {
  return typeof text === 'string' && keyPattern.test(text) ? (text as RevocationKey) : undefined
}

/** The first 16 bytes of the hash: 21 characters, and the first two bits of the next one. */
function digest(input: string | Buffer): string {
  const whole = hash('sha256', input, 'base64url')
  return whole.slice(0, 21) + 'AQgw'.charAt(base64url.indexOf(whole.charAt(21)) >> 4)
}

export const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
