import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

/** A token that a development service accepts, good for an hour. */
export function signThrowawayToken(parts: { secret: string; issuer: string; nowMs: number }): Promise<string> {
  const nowS = Math.floor(parts.nowMs / 1000)
  return new SignJWT({ sid: randomUUID() })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(parts.issuer)
    .setSubject('newcomer')
    .setJti(randomUUID())
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + 3600)
    .sign(Buffer.from(parts.secret, 'utf8'))
}
