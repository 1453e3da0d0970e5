import { randomUUID, type KeyObject } from 'node:crypto'
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
 * A token for development, with a session and an id of its own. It expires after an hour by
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
  const claims = { sid, sub: subject, jti: randomUUID(), iat: nowS, exp: nowS + lifetimeS }
  return signClaims(
    {
      ...claims,
      ...(issuer !== undefined && { iss: issuer }),
      ...(audience !== undefined && { aud: audience }),
    },
    { alg, typ },
    Buffer.from(secret, 'utf8'),
  )
}

/** Signs claims as they are, with the bytes of a shared secret or a private key. */
export const signClaims = (
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<{ alg: string; typ: string; kid?: string }>,
  key: Uint8Array | KeyObject,
): Promise<string> => new SignJWT(claims).setProtectedHeader({ ...header }).sign(key)
