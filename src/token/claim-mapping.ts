import { claimText } from './keys.js'

/** In which claims the tokens of an issuer have their session, subject, audience and time. */
export type ClaimMapping = Readonly<{
  /** The claims that name the session: the first one that is there. */
  sessionClaim: readonly string[]
  subjectClaim: string
  /** The claims that name the audience of a token without `aud`: the first one that is there. */
  audienceClaim: readonly string[]
  cutoffClaim: CutoffClaim
}>

/** The claims as the specifications have them (RFC 7519 §4.1, OpenID Connect Core §2). */
export const standardMapping: ClaimMapping = {
  sessionClaim: ['sid'],
  subjectClaim: 'sub',
  audienceClaim: [],
  cutoffClaim: 'iat',
}

/**
 * The claims of a token, with its session as `sid`, its subject as `sub` and its audience as `aud`,
 * whichever claims of its issuer have them. Everything that names a token takes these claims.
 */
export type NamedClaims = Readonly<Record<string, unknown>>

/** @returns the claims themselves where the issuer uses `sid`, `sub` and `aud` */
export function nameClaims(
  claims: Readonly<Record<string, unknown>>,
  { sessionClaim, subjectClaim, audienceClaim }: ClaimMapping,
): NamedClaims {
  const needsAudience = audienceClaim.length > 0 && lacksAudience(claims)
  const [first] = sessionClaim
  if (sessionClaim.length === 1 && first === 'sid' && subjectClaim === 'sub' && !needsAudience)
    return claims
  return {
    ...claims,
    sid: firstOf(claims, sessionClaim),
    sub: claims[subjectClaim],
    ...(needsAudience && { aud: audienceClaim.map(valueIn(claims)).find(isThere) }),
  }
}

/** The first claim that can be a name; if none can, the first one whatever it is. */
function firstOf(claims: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  const all = names.map(valueIn(claims))
  return all.find((claim) => claimText(claim) !== undefined) ?? all.find(isThere)
}

const valueIn = (claims: Readonly<Record<string, unknown>>) => (name: string) => claims[name]
const isThere = (claim: unknown) => claim !== undefined && claim !== null
const lacksAudience = ({ aud }: Readonly<Record<string, unknown>>): boolean =>
  !isThere(aud) || (Array.isArray(aud) && aud.length === 0)

/** The claim that a cutoff is compared with. */
export const cutoffClaims = ['iat', 'auth_time'] as const
export type CutoffClaim = (typeof cutoffClaims)[number]

/**
 * The time of a token that cutoffs are compared with, in epoch seconds: the cutoff claim, or `iat`
 * where the token lacks that claim. `undefined`: the token has neither, and every cutoff revokes it.
 */
export function issuedAtOf(
  claims: Readonly<Record<string, unknown>>,
  cutoffClaim: CutoffClaim,
): number | undefined {
  const times = [claims[cutoffClaim], claims['iat']]
  return times.find((time) => typeof time === 'number')
}
