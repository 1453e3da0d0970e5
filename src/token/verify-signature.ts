import type { Cause } from '../errors.js'
import { parseCanonical, type CompactJwt } from './canonical-encoding.js'
import { parseSegment, refuse, type Claims } from './claims.js'
import type { KeyHeader, KeySource } from './key-source.js'
import type { VerificationKey } from './signature.js'

/** Who signs a JWT: accepted algorithms, and the keys. */
export type Signer = Readonly<{ algorithms: readonly string[]; keys: KeySource }>

/**
 * Verifies a signature synchronously, unless keys have to be fetched.
 *
 * @param waiter as of `Verification.verify`
 * @throws ServiceError `invalid_token` with the reason, `keys_unavailable`
 */
export function verifySignature(
  jwt: CompactJwt,
  { alg, kid, crit }: Readonly<Record<string, unknown>>,
  signer: Signer,
  waiter: string | undefined,
): Promise<void> | undefined {
  if (typeof alg !== 'string' || !signer.algorithms.includes(alg)) throw refuse('algorithm')
  // No extension is supported (RFC 7515 §4.1.11), and a `kid` is a text (§4.1.4).
  if (crit !== undefined || (kid !== undefined && typeof kid !== 'string')) throw refuse('header')
  const header = { alg, kid }
  const found = signer.keys.candidates(header, waiter)
  if ('then' in found)
    return found.then((candidates) => verifyWith(jwt, header, candidates, signer.keys, waiter))
  return verifyWith(jwt, header, found, signer.keys, waiter)
}

function verifyWith(
  jwt: CompactJwt,
  header: KeyHeader,
  candidates: readonly VerificationKey[],
  keys: KeySource,
  waiter: string | undefined,
): Promise<void> | undefined {
  if (candidates.length === 0) throw refuse('unknown_key')
  if (isSignedByOne(jwt, candidates)) return undefined
  return verifyWithNewerKeys(jwt, header, keys, waiter)
}

// A key may have been replaced under its own `kid`, or in a set without `kid`s.
async function verifyWithNewerKeys(
  jwt: CompactJwt,
  header: KeyHeader,
  keys: KeySource,
  waiter: string | undefined,
): Promise<void> {
  if (!isSignedByOne(jwt, await keys.candidatesAfterBadSignature(header, waiter)))
    throw refuse('signature')
}

function isSignedByOne(
  { signature, signingInput }: CompactJwt,
  candidates: readonly VerificationKey[],
): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  return candidates.some((isSigned) => isSigned(signingInput, bytes))
}

/** A JWT whose signature is verified, and of which nothing else is checked. */
export type SignedJwt<S extends Signer> = Readonly<{
  signer: S
  header: Readonly<Record<string, unknown>>
  claims: Claims
}>

/**
 * Verifies the canonical encoding and the signature of a JWT that is no token of an issuer.
 *
 * @param signerOf the signer that unverified claims name
 * @param waiter as of `Verification.verify`
 * @throws ServiceError `invalid_token` with the reason, `keys_unavailable`
 */
export async function verifySigned<S extends Signer>(
  text: string,
  signerOf: (claims: Claims) => S | undefined,
  waiter?: string,
): Promise<SignedJwt<S>> {
  const jwt = parseCanonical(text)
  const [header, claims] = [parseSegment(jwt.header), parseSegment(jwt.payload)]
  const signer = signerOf(claims)
  if (signer === undefined) throw refuse('unknown_issuer')
  await verifySignature(jwt, header, signer, waiter)
  return { signer, header, claims }
}

/** The rules for the times of a JWT that is made for one use. */
export type ShortLife = Readonly<{ nowMs: number; maxClockSkewMs: number }>

/** The longest life of a JWT that is made for one use: 10 minutes. */
export const longestLifeS = 600

/**
 * What is wrong with the times of a JWT that is made for one use: `nbf` and `iat` may be ahead by the
 * clock skew, `exp` gets no leeway, and comes at most 10 minutes after `iat`, or without `iat` after
 * now.
 */
export function faultOfShortLife(
  { iat, nbf, exp }: Claims,
  { nowMs, maxClockSkewMs }: ShortLife,
): Cause | undefined {
  if ([iat, nbf].some((time) => time !== undefined && !Number.isFinite(time))) return 'claims'
  if (exp === undefined || !Number.isFinite(exp)) return 'no_exp'
  if (exp * 1000 <= nowMs) return 'expired'
  const latestMs = nowMs + maxClockSkewMs
  if ([iat, nbf].some((time) => time !== undefined && time * 1000 > latestMs))
    return 'not_yet_valid'
  return exp - (iat ?? latestMs / 1000) > longestLifeS ? 'lives_too_long' : undefined
}
