import { isUtf8 } from 'node:buffer'
import { ServiceError, type Reason } from '../errors.js'

/** Registered claims as they are when they are there (RFC 7519 §4.1), and whatever else the issuer says. */
export type Claims = Readonly<{
  iss?: string
  sub?: string
  aud?: string | readonly string[]
  jti?: string
  nbf?: number
  exp?: number
  iat?: number
  [claim: string]: unknown
}>

/** What an issuer demands; what is absent is unchecked. */
export type Demands = Readonly<{ issuer?: string; audience?: readonly string[]; typ?: string }>

// Never with a cause: what JSON.parse throws quotes the token.
export const refuse = (reason: Reason) => new ServiceError('invalid_token', { reason })

/**
 * The JSON object in a segment that has passed the gate.
 *
 * @throws ServiceError `invalid_token`: bytes that are no UTF-8, no JSON, or no object
 */
export function parseSegment(segment: string): Record<string, unknown> {
  const bytes = Buffer.from(segment, 'base64url')
  let parsed: unknown
  try {
    // Replacement characters would make two different segments say the same.
    parsed = isUtf8(bytes) ? JSON.parse(bytes.toString('utf8')) : undefined
  } catch {
    throw refuse('not_json')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw refuse('not_json')
  return parsed as Record<string, unknown>
}

/**
 * Holds header and claims of a token, whose signature is in order, against what its issuer demands and against the time
 * (RFC 7519 §4.1, RFC 7515 §4.1.9). `exp` comes last: an expired token is in order in all else.
 *
 * @returns the claims, and whether `exp` has passed
 * @throws ServiceError `invalid_token`
 */
export function checkClaims(
  { header, claims, demands, nowMs }: { header: Readonly<Record<string, unknown>>; claims: Readonly<Record<string, unknown>>; demands: Demands; nowMs: number },
): { claims: Claims; expired: boolean } {
  const { issuer, audience, typ } = demands
  if (typ !== undefined && (typeof header['typ'] !== 'string' || mediaType(header['typ']) !== mediaType(typ))) throw refuse('typ')
  if (issuer !== undefined && claims['iss'] !== issuer) throw refuse('issuer')
  if (audience !== undefined && !isFor(audience, claims['aud'])) throw refuse('audience')
  const nowS = Math.floor(nowMs / 1000)
  const [, nbf, exp] = [numericDate(claims, 'iat'), numericDate(claims, 'nbf'), numericDate(claims, 'exp')]
  if (nbf !== undefined && nbf > nowS) throw refuse('not_yet_valid')
  return { claims: claims, expired: exp !== undefined && exp <= nowS }
}

// RFC 7515 §4.1.9: "application/" may be left out, and media types are case-insensitive.
const mediaType = (typ: string) => (typ.includes('/') ? typ : `application/${typ}`).toLowerCase()

const isFor = (audience: readonly string[], aud: unknown) =>
  typeof aud === 'string' ? audience.includes(aud) : Array.isArray(aud) && audience.some((one) => aud.includes(one))

function numericDate(claims: Readonly<Record<string, unknown>>, name: 'iat' | 'nbf' | 'exp'): number | undefined {
  const value = claims[name]
  if (value !== undefined && typeof value !== 'number') throw refuse('claims')
  return value
}
