import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { publicJwk } from './assertions.js'
import type { Answer } from './http.js'
import { plant } from './leaks.js'
import { ec, nowS, rsa, type Claims } from './tokens.js'

export const gtrPath = '/api/v1/auth/global-token-revocation'
/** `PUBLIC_URL` of the services of these tests, and the `aud` of a transmitter's JWT. */
export const publicUrl = 'https://cierre.test'
export const gtrAudience = `${publicUrl}${gtrPath}`

/** A transmitter that may end the tokens of the issuer that tests have, by RS256. */
export const transmitter = {
  issuer: 'https://idp.test',
  publicKey: publicJwk('rsa'),
  allow: ['gtr'],
  tokenIssuers: ['https://issuer.test'],
}

/** The variables of a service that takes Global Token Revocations. */
export const transmitterVariables = (...transmitters: object[]) => ({
  PUBLIC_URL: publicUrl,
  TRANSMITTERS: JSON.stringify(transmitters),
})

const pairs = { rsa, ec: ec['ES256'] ?? rsa }
const algorithms = { rsa: 'RS256', ec: 'ES256' }

type Signing = Readonly<{ key?: keyof typeof pairs; header?: Claims }>

/** A JWT of a transmitter, in order unless claims or header say otherwise. */
export async function transmitterJwt(
  claims: Claims = {},
  { key = 'rsa', header = {} }: Signing = {},
): Promise<string> {
  const all = {
    iss: transmitter.issuer,
    aud: gtrAudience,
    jti: randomUUID(),
    iat: nowS(),
    exp: nowS(300),
    ...claims,
  }
  const protectedHeader = {
    alg: algorithms[key],
    kid: key,
    typ: 'global-token-revocation+jwt',
    ...header,
  }
  const jwt = await new SignJWT(JSON.parse(JSON.stringify(all)) as Claims)
    .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)) as { alg: string })
    .sign(pairs[key].privateKey)
  return plant(jwt)
}

type Service = Readonly<{ send: (request: SentRequest) => Promise<Answer> }>
type SentRequest = Readonly<{
  method: string
  path: string
  headers: Record<string, string>
  body: string
}>

/** Sends a request of a transmitter with this JWT. */
export const revokeGlobally = (service: Service, jwt: string, body: unknown): Promise<Answer> =>
  service.send({
    method: 'POST',
    path: gtrPath,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${jwt}` },
    body: JSON.stringify(body),
  })

/** The body that names a subject of an issuer. */
export const issSub = (sub: unknown, iss: unknown = 'https://issuer.test') => ({
  sub_id: { format: 'iss_sub', iss, sub },
})
