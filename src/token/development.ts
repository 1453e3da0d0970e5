import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

export type DevelopmentClaims = Readonly<{
  issuer?: string | undefined
  audience?: string | undefined
  subject?: string | undefined
  sid?: string | undefined
  /** Seconds until it expires. */
  lifetimeS?: number | undefined
}>

/**
 * A token to try things with. It has a session and an id of its own, and expires after an hour by
 * default.
 */
export function signDevelopmentToken(
  {
    secret,
    alg = 'HS256',
    typ = 'JWT',
    nowMs,
  }: { secret: string; alg?: string; typ?: string | undefined; nowMs: number },
  {
    issuer,
    audience,
    subject = 'newcomer',
    sid = randomUUID(),
    lifetimeS = 3600,
  }: DevelopmentClaims,
): Promise<string> {
  const nowS = Math.floor(nowMs / 1000)
  const token = new SignJWT({ sid })
    .setProtectedHeader({ alg, typ })
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + lifetimeS)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(Buffer.from(secret, 'utf8'))
}
