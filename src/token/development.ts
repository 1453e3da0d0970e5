import { randomUUID } from 'node:crypto'
import { issuedBy, parseIssuerName } from './issuer-name.js'
import type { SecretKey } from './key-material.js'
import { signClaims } from './signing.js'

export type DevelopmentClaims = Readonly<{
  issuer?: string | undefined
  /** Of these the first stands in the place of `{claim}` in `issuer`. */
  issuerValues?: readonly string[] | undefined
  audience?: string | undefined
  subject?: string | undefined
  sid?: string | undefined
  /** The claims of subject and session; `sub` and `sid` unless given. */
  subjectClaim?: string | undefined
  sessionClaim?: string | undefined
  /** Seconds until it expires. */
  lifetimeS?: number | undefined
}>

/**
 * A token for development, with a session and an id of its own. It expires after an hour by
 * default.
 */
export function signDevelopmentToken(
  {
    secret,
    alg = secret.alg ?? 'HS256',
    typ = 'JWT',
    nowMs,
  }: { secret: SecretKey; alg?: string | undefined; typ?: string | undefined; nowMs: number },
  {
    issuer,
    issuerValues,
    audience,
    subject = 'newcomer',
    sid = randomUUID(),
    subjectClaim = 'sub',
    sessionClaim = 'sid',
    lifetimeS = 3600,
  }: DevelopmentClaims,
): Promise<string> {
  const nowS = Math.floor(nowMs / 1000)
  const named = { [sessionClaim]: sid, [subjectClaim]: subject }
  const claims = { ...named, jti: randomUUID(), iat: nowS, exp: nowS + lifetimeS }
  const name = issuer === undefined ? {} : parseIssuerName(issuer, issuerValues)
  return signClaims(
    {
      ...claims,
      ...issuedBy(name),
      ...(audience !== undefined && { aud: audience }),
    },
    { alg, typ, ...(secret.kid !== undefined && { kid: secret.kid }) },
    secret.bytes,
  )
}
