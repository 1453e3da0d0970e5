import { randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SigningKey } from './private-key.js'

/** Signs claims as they are, with the bytes of a shared secret or a private key. */
export const signClaims = (
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<{ alg: string; typ: string; kid?: string }>,
  key: Uint8Array | KeyObject,
): Promise<string> => new SignJWT(claims).setProtectedHeader({ ...header }).sign(key)

/** How long a client assertion is valid. */
const assertionLifetimeS = 60

/** `client_assertion_type` of a JWT (RFC 7523 §2.2). */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * A JWT by which a client authenticates itself (RFC 7523 §3), for one minute.
 *
 * @param audience the issuer identifier of the server, and nothing else: an assertion that other
 * servers accept, too, could be used there by this server (CVE-2025-27370)
 */
export function signAssertion(
  { key, alg, kid }: SigningKey,
  { clientId, audience, nowMs }: Readonly<{ clientId: string; audience: string; nowMs: number }>,
): Promise<string> {
  const iat = Math.floor(nowMs / 1000)
  const claims = { iss: clientId, sub: clientId, aud: audience, jti: randomUUID() }
  return signClaims(
    { ...claims, iat, exp: iat + assertionLifetimeS },
    { alg, typ: 'JWT', ...(kid !== undefined && { kid }) },
    key,
  )
}
