import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { signClaims } from '../token/signing.js'
import { isOfSecret } from '../token/issuer-key-options.js'
import { findIssuer, issuedBy } from '../token/issuer-name.js'
import type { IssuerConfig } from '../token/issuer-options.js'
import type { PublicJwk } from '../token/key-material.js'

/** An issuer of a test guard, and what signs its tokens. */
export type TestIssuer = Readonly<{
  /** The issuer with the key of the test. No key set is fetched. */
  config: IssuerConfig
  header: Readonly<{ alg: string; typ: string; kid?: string }>
  key: Uint8Array | KeyObject
}>

/**
 * Keeps shared secrets, the first of which signs. Without one a key pair of the test signs: it
 * stands in the place of a `jwksUri`, and beside a `publicKey`, whose private key the test may have.
 */
export function createTestIssuer(config: IssuerConfig): TestIssuer {
  const { algorithms, typ = 'JWT' } = config
  const [first = 'HS256'] = algorithms
  const { secrets, jwks, skipped } = config.keys
  const keys = { secrets, jwks, skipped }
  const [secret] = secrets
  if (secret !== undefined) {
    const { alg = algorithms.find(isOfSecret) ?? first, kid, bytes } = secret
    return {
      config: { ...config, keys },
      header: { alg, typ, ...(kid !== undefined && { kid }) },
      key: bytes,
    }
  }
  const alg = algorithms.find((name) => !isRsa(name)) ?? first
  const { publicKey, privateKey } = keyPairFor(alg)
  const kid = randomUUID()
  const own = { ...publicKey.export({ format: 'jwk' }), kid, alg } as PublicJwk
  return {
    config: { ...config, keys: { ...keys, jwks: [...jwks, own] } },
    header: { alg, typ, kid },
    key: privateKey,
  }
}

const isRsa = (alg: string) => /^[RP]S/.test(alg)
const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
type KeyPair = Readonly<{ publicKey: KeyObject; privateKey: KeyObject }>

/** One for all issuers, when an issuer has no other algorithm: it takes about 150 ms to make. */
let rsaKeyPair: KeyPair | undefined

function keyPairFor(alg: string): KeyPair {
  if (isRsa(alg)) return (rsaKeyPair ??= generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const namedCurve = curves[alg]
  return namedCurve === undefined
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve })
}

/**
 * Signs a token that the guard accepts, unless the claims say otherwise.
 *
 * @param claims added to those of a fresh login, or put in their place; `undefined` leaves one out
 */
export function signTestToken(
  issuers: readonly TestIssuer[],
  claims: Readonly<Record<string, unknown>>,
  nowMs: number,
): Promise<string> {
  const named = findIssuer(
    issuers.map(({ config }) => config),
    claims['iss'],
  )
  // A token of an issuer that the guard does not know is signed, too: the guard has to refuse it.
  const signer = issuers.find(({ config }) => config === named) ?? issuers[0]!
  const all = { ...loginOf(signer.config, Math.floor(nowMs / 1000)), ...claims }
  const given = Object.entries(all).filter(([, value]) => value !== undefined)
  return signClaims(Object.fromEntries(given), signer.header, signer.key)
}

/** The claims of a fresh login, where the issuer has them. */
function loginOf(config: IssuerConfig, nowS: number): Record<string, unknown> {
  const { sessionClaim, subjectClaim, cutoffClaim } = config
  const [session = 'sid'] = sessionClaim
  return {
    ...issuedBy(config),
    aud: config.audience?.[0],
    [subjectClaim]: 'test-user',
    [session]: randomUUID(),
    jti: randomUUID(),
    iat: nowS,
    exp: nowS + 600,
    ...(cutoffClaim === 'auth_time' && { auth_time: nowS }),
  }
}
