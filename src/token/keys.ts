import { hash } from 'node:crypto'
import type { CompactJwt } from './spelling.js'

/** `t:` token, `s:` session, `u:` subject, `j:` token id; then 22 characters of base64url. */
export type RevocationKey = `${'t' | 's' | 'u' | 'j'}:${string}`

/** The keys that can revoke one token. A claim that cannot be a key has none. */
export type TokenKeys = Readonly<{ t: RevocationKey; s?: RevocationKey; u?: RevocationKey; j?: RevocationKey }>

const longestClaim = 1024

/**
 * The keys of a token. The signature is no part of `t:` on purpose: one signing input can have many valid signatures (an ECDSA
 * `n−s` twin, a second PSS salt), and all of them are the same token.
 */
export function tokenKeys(jwt: CompactJwt, claims: Readonly<Record<string, unknown>>): TokenKeys {
  const t: RevocationKey = `t:${digest(`jwt-signing-input\0${jwt.signingInput}`)}`
  const s = claimKey('s', claims['iss'], claims['sid'])
  const u = claimKey('u', claims['iss'], claims['sub'])
  const j = claimKey('j', claims['iss'], claims['jti'])
  return { t, ...(s && { s }), ...(u && { u }), ...(j && { j }) }
}

const domains = { s: 'jwt-session\0', u: 'jwt-subject\0', j: 'jwt-id\0' } as const

/**
 * The key of a session (`s`), subject (`u`) or token id (`j`) of an issuer. Lengths go in front, so no two pairs share a key.
 *
 * @returns nothing when the claim, or an `iss` that is present, is not a non-empty well-formed string of at most 1024 characters
 */
export function claimKey(kind: keyof typeof domains, iss: unknown, claim: unknown): RevocationKey | undefined {
  if (!isKeyable(claim) || (iss !== undefined && !isKeyable(iss))) return undefined
  const domain = domains[kind]
  const [issuerBytes, claimBytes] = [Buffer.byteLength(iss ?? ''), Buffer.byteLength(claim)]
  const input = Buffer.allocUnsafe(domain.length + 8 + issuerBytes + claimBytes)
  let at = input.write(domain, 'latin1')
  at = input.writeUInt32BE(issuerBytes, at)
  at = input.writeUInt32BE(claimBytes, at)
  at += input.write(iss ?? '', at)
  input.write(claim, at)
  return `${kind}:${digest(input)}`
}

/** A key that is spelled like one, or nothing. */
export function decodeKey(text: unknown): RevocationKey | undefined {
  return typeof text === 'string' && /^[tsuj]:[A-Za-z0-9_-]{21}[AQgw]$/.test(text) ? (text as RevocationKey) : undefined
}

function isKeyable(claim: unknown): claim is string {
  return typeof claim === 'string' && claim.length > 0 && claim.length <= longestClaim && claim.isWellFormed()
}

const digest = (input: string | Buffer) => hash('sha256', input, 'buffer').toString('base64url', 0, 16)
