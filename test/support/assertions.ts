import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { plant } from './leaks.js'
import { ec, nowS, rsa, type Claims } from './tokens.js'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const pairs = { rsa, ec: ec['ES256'] ?? rsa }
const algorithmOf = { rsa: 'RS256', ec: 'ES256' } as const
export type KeyName = keyof typeof pairs

/** The public key of a machine client as a member of a JWKS. */
export const publicJwk = (key: KeyName) => ({
  ...pairs[key].publicKey.export({ format: 'jwk' }),
  kid: key,
})
export const privatePem = (key: KeyName) =>
  pairs[key].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A client assertion (RFC 7523), in order unless claims or header say otherwise. */
export async function assertionOf(
  id: string,
  claims: Claims,
  { key = 'ec', header = {} }: { key?: KeyName; header?: object } = {},
): Promise<string> {
  const all = {
    iss: id,
    sub: id,
    jti: randomUUID(),
    iat: nowS(),
    exp: nowS(60),
    ...claims,
  }
  const jwt = await new SignJWT(JSON.parse(JSON.stringify(all)) as Claims)
    .setProtectedHeader({ alg: algorithmOf[key], kid: key, ...header })
    .sign(pairs[key].privateKey)
  return plant(jwt)
}
