import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

export const algorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const
export type Algorithm = (typeof algorithms)[number]

const issuer = 'https://issuer.test'
export const secret = randomBytes(48).toString('base64url')
const pairs: Record<
  Exclude<Algorithm, 'HS256'>,
  { publicKey: KeyObject; privateKey: KeyObject }
> = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}

/** The key that a server verifies with: the secret, or a public key as PEM. */
export const verificationKey = (algorithm: Algorithm): string =>
  algorithm === 'HS256'
    ? secret
    : pairs[algorithm].publicKey.export({ type: 'spki', format: 'pem' }).toString()

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const headers = new Map(algorithms.map((alg) => [alg, encode({ alg, typ: 'JWT' })]))

function signature(algorithm: Algorithm, input: string): string {
  if (algorithm === 'HS256') return createHmac('sha256', secret).update(input).digest('base64url')
  const key = pairs[algorithm].privateKey
  const signed =
    algorithm === 'EdDSA'
      ? sign(null, Buffer.from(input), key)
      : sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return signed.toString('base64url')
}

let issued = 0
/** A token like those of common issuers. No two tokens share a subject, a session or an id. */
export function newToken(algorithm: Algorithm, lifetimeS = 3_600): string {
  const iat = Math.floor(Date.now() / 1000)
  const id = (issued += 1).toString(36).padStart(8, '0') + randomBytes(9).toString('base64url')
  const input = `${headers.get(algorithm)}.${encode({ iss: issuer, sub: `user-${id}`, aud: 'https://api.test', sid: `sid-${id}`, jti: `jti-${id}`, scope: 'openid profile email', iat, exp: iat + lifetimeS })}`
  return `${input}.${signature(algorithm, input)}`
}
export const newTokens = (algorithm: Algorithm, count: number) =>
  Array.from({ length: count }, () => newToken(algorithm))

const post = (path: string, type: string, authorization: string, body: string) =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
const form = 'application/x-www-form-urlencoded'

export const clientSecret = randomBytes(32).toString('base64url')
const basic = `Basic ${Buffer.from(`bench:${clientSecret}`).toString('base64')}`

/** Requests as bytes. */
export const requestOf = {
  logout: (jwt: string) =>
    post(
      '/api/v1/auth/logout',
      'application/json',
      `Bearer ${jwt}`,
      JSON.stringify({ token: jwt }),
    ),
  introspection: (jwt: string) => post('/oauth/introspect', form, basic, `token=${jwt}`),
  verify: (jwt: string) =>
    Buffer.from(
      `GET /api/v1/auth/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${jwt}\r\n\r\n`,
    ),
  /** For a server that takes every path for a check. */
  check: (jwt: string) =>
    Buffer.from(`GET / HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer ${jwt}\r\n\r\n`),
  providerRevocation: (token: string) =>
    post('/token/revocation', form, basic, `token=${token}&token_type_hint=client_credentials`),
  providerIntrospection: (token: string) =>
    post('/token/introspection', form, basic, `token=${token}&token_type_hint=client_credentials`),
}
