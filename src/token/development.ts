import { randomUUID } from 'node:crypto'
import type { SecretKey } from './key-material.js'
import { signClaims } from './signing.js'

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
    alg = secret.alg ?? 'HS256',
    typ = 'JWT',
    nowMs,
  }: { secret: SecretKey; alg?: string | undefined; typ?: string | undefined; nowMs: number },
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
    { alg, typ, ...(secret.kid !== undefined && { kid: secret.kid }) },
    secret.bytes,
  )
}
