import {
  hmacSecretBytes,
  defaultAlgorithms,
  algorithmsOf,
  parsePublicKeys,
  publicKeyAlgorithms,
  type PublicJwk,
} from './key-material.js'
import { parsedBy, text, type Option, type Report } from './options.js'

export type KeyConfig =
  | Readonly<{ kind: 'secret'; secret: string }>
  | Readonly<{ kind: 'public'; jwks: readonly PublicJwk[] }>
  | Readonly<{ kind: 'remote'; uri: string }>

/** The settings of an issuer that give its key. An issuer has exactly one of them. */
export const keyMembers = ['secret', 'publicKey', 'jwksUri'] as const
export type KeyMember = (typeof keyMembers)[number]

const publicKeys = parsedBy<KeyConfig>((written) => ({
  kind: 'public',
  jwks: parsePublicKeys(written),
}))

const parsers: Record<KeyMember, Option<KeyConfig>['check']> = {
  secret(value, report) {
    const secret = text.check(value, report)
    return secret === undefined ? undefined : { kind: 'secret', secret }
  },
  publicKey(value, report) {
    const written = publicKeyText(value)
    if (typeof written === 'string') return publicKeys.check(written, report)
    report('must be PEM, a JWK or a JWKS')
    return undefined
  },
  jwksUri(value, report) {
    if (typeof value === 'string' && isKeySetUri(value)) return { kind: 'remote', uri: value }
    report('must be an http or https URL, without user and password')
    return undefined
  },
}

export const parseKey = (
  member: KeyMember,
  value: unknown,
  report: Report,
): KeyConfig | undefined => parsers[member](value, report)

/**
 * The text of a public key. A JWK or JWKS may also be given as the object that its JSON stands for.
 */
function publicKeyText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  try {
    return JSON.stringify(value)
  } catch {
    // An object that refers to itself has no JSON; the caller reports it.
    return value
  }
}

function isKeySetUri(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, username, password } = new URL(uri)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

const families = {
  secret: Object.keys(hmacSecretBytes),
  public: [...publicKeyAlgorithms] as string[],
}

/** The algorithms of a remote key set when none are named. */
const remoteAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/**
 * The accepted algorithms: those that are named, which must suit the key, or else the defaults of
 * the key.
 */
export function checkAlgorithms(
  named: readonly string[],
  key: KeyConfig,
  report: Report,
): readonly string[] {
  const family = key.kind === 'secret' ? 'secret' : 'public'
  const unsuitable = named.filter((algorithm) => !families[family].includes(algorithm))
  if (unsuitable.length > 0) {
    const supported = [...families.secret, ...families.public]
    const others = unsuitable.filter((algorithm) => supported.includes(algorithm))
    const owner = family === 'secret' ? 'a shared secret' : 'public keys'
    report(
      others.length > 0
        ? `has ${unsuitable.join(', ')}, which does not go with ${owner}`
        : `has ${unsuitable.join(', ')}, which cierre does not know`,
    )
    return []
  }
  reportUnused(named, key, report)
  if (named.length === 0) return defaultsOf(key)
  // EdDSA and Ed25519 are two names of one algorithm here (RFC 9864).
  return named.some((algorithm) => algorithm === 'EdDSA' || algorithm === 'Ed25519')
    ? [...new Set([...named, 'EdDSA', 'Ed25519'])]
    : named
}

function reportUnused(named: readonly string[], key: KeyConfig, report: Report): void {
  if (key.kind !== 'public') return
  const unused = named.filter(
    (algorithm) => !key.jwks.some((jwk) => algorithmsOf(jwk).includes(algorithm)),
  )
  if (unused.length > 0) report(`has ${unused.join(', ')}, which no key is for`)
}

function defaultsOf(key: KeyConfig): readonly string[] {
  switch (key.kind) {
    case 'secret':
      return ['HS256']
    case 'public':
      return defaultAlgorithms(key.jwks)
    case 'remote':
      return remoteAlgorithms
  }
}

/** RFC 7518 §3.2: a secret is at least as long as the hash output. */
export function checkSecretLength(
  key: KeyConfig,
  algorithms: readonly string[],
  report: Report,
): void {
  if (key.kind !== 'secret') return
  const bytes = (algorithm: string) =>
    hmacSecretBytes[algorithm as keyof typeof hmacSecretBytes] ?? 0
  const needed = Math.max(...algorithms.map(bytes))
  if (Buffer.byteLength(key.secret, 'utf8') < needed)
    report(`must be at least ${needed} bytes long for ${algorithms.join(', ')}`)
}
