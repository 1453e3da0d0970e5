import { isUtf8 } from 'node:buffer'
import { ServiceError, type Reason } from '../errors.js'
import type { NamedClaims } from './claim-mapping.js'
import { isIssuedBy, type IssuerName } from './issuer-name.js'

/**
 * The registered claims with their types (RFC 7519 §4.1), and any other claim of the issuer. `T`
 * gives types to claims: `Claims<{ role: string }>`. They are not checked at run time.
 */
export type Claims<T extends object = object> = RegisteredClaims & Readonly<T>

type RegisteredClaims = Readonly<{
  iss?: string
  sub?: string
  aud?: string | readonly string[]
  jti?: string
  nbf?: number
  exp?: number
  iat?: number
  [claim: string]: unknown
}>

/** What an issuer demands of its tokens. An absent member is not checked. */
export type Demands = IssuerName & Readonly<{ audience?: readonly string[]; typ?: string }>

// Without a cause: the message of JSON.parse quotes the token.
export const refuse = (reason: Reason) => new ServiceError('invalid_token', { reason })

/**
 * The JSON object in a segment that is canonically encoded.
 *
 * @throws ServiceError `invalid_token` for bytes that are not UTF-8, not JSON, or no object
 */
export function parseSegment(segment: string): Record<string, unknown> {
  const bytes = Buffer.from(segment, 'base64url')
  let parsed: unknown
  try {
    // Decoding to replacement characters would give two different segments the same content.
    parsed = isUtf8(bytes) ? JSON.parse(bytes.toString('utf8')) : undefined
  } catch {
    throw refuse('not_json')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw refuse('not_json')
  return parsed as Record<string, unknown>
}

/** How many parsed segments are kept. An issuer has few headers, one for each of its keys. */
const mostParsed = 100

/**
 * Keeps parsed headers, since an issuer puts the same header into many tokens. A header costs 0.01
 * µs instead of 1 µs (`npm run bench:parts`).
 */
export function rememberParsed<T>(parse: (segment: string) => T): (segment: string) => T {
  const parsed = new Map<string, T>()
  return (segment) => {
    const found = parsed.get(segment)
    if (found !== undefined) return found
    const made = parse(segment)
    if (parsed.size >= mostParsed) parsed.clear()
    // A copy, since a slice would keep the whole token in memory.
    parsed.set(Buffer.from(segment, 'latin1').toString('latin1'), made)
    return made
  }
}

/**
 * Checks header and claims of a token whose signature is verified, but not its times (RFC 7519
 * §4.1, RFC 7515 §4.1.9).
 *
 * @throws ServiceError `invalid_token`
 */
export function checkClaims({
  header,
  claims,
  named,
  demands,
}: {
  header: Readonly<Record<string, unknown>>
  claims: Readonly<Record<string, unknown>>
  named: NamedClaims
  demands: Demands
}): Claims {
  const { audience, typ } = demands
  if (typ !== undefined && !hasTyp(header, typ)) throw refuse('typ')
  if (!isIssuedBy(demands, claims)) throw refuse('issuer')
  if (audience !== undefined && !isFor(audience, named['aud'])) throw refuse('audience')
  if (dates.some((name) => claims[name] !== undefined && typeof claims[name] !== 'number'))
    throw refuse('claims')
  return claims
}

/** Whether a header has this `typ` (RFC 7515 §4.1.9). */
export const hasTyp = (header: Readonly<Record<string, unknown>>, typ: string): boolean =>
  typeof header['typ'] === 'string' && mediaType(header['typ']) === mediaType(typ)

const dates = ['iat', 'nbf', 'exp'] as const

/**
 * Whether the header's `typ` names another kind of JWT than an access token, such as a logout
 * token, security event, DPoP proof, status list or request object (RFC 8725 §3.11). `at+jwt` is an
 * access token (RFC 9068).
 */
export function isOtherKind({ typ }: Readonly<Record<string, unknown>>): boolean {
  if (typ === undefined || typ === null) return false
  // A media type may have parameters (RFC 7515 §4.1.9). A `typ` that is no text cannot be trusted.
  const [type = ''] = typeof typ === 'string' ? typ.split(/[;,]/) : ['other+jwt']
  const name = mediaType(type.trim())
  return /\+.*jwt$/.test(name) && name !== 'application/at+jwt'
}

// RFC 7515 §4.1.9: "application/" may be left out. Media types are case-insensitive.
const mediaType = (typ: string) => (typ.includes('/') ? typ : `application/${typ}`).toLowerCase()

/**
 * Where a token stands in time. `ahead`: its `nbf`, `iat` or cutoff claim lies further ahead than
 * the clock skew allows, so another API, or this one later, may accept it. `expired`: its `exp` has
 * passed, and nothing else is wrong.
 */
export type Timing = 'current' | 'expired' | 'ahead'

/**
 * `nbf`, `iat` and the cutoff claim may be ahead by `maxClockSkewMs`; `exp` gets no leeway (RFC
 * 7519 §4.1.4 to §4.1.6).
 */
export function timingOf(
  claims: Claims,
  rules: { nowMs: number; maxClockSkewMs: number; cutoffClaim: string },
): Timing {
  const isAhead = [claims.nbf, claims.iat, claims[rules.cutoffClaim]].some(
    (time) => typeof time === 'number' && time * 1000 > rules.nowMs + rules.maxClockSkewMs,
  )
  if (isAhead) return 'ahead'
  return claims.exp !== undefined && claims.exp * 1000 <= rules.nowMs ? 'expired' : 'current'
}

const isFor = (audience: readonly string[], aud: unknown) =>
  typeof aud === 'string'
    ? audience.includes(aud)
    : Array.isArray(aud) && audience.some((one) => aud.includes(one))
