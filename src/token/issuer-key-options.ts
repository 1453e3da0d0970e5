import {
  algorithmsOf,
  defaultAlgorithms,
  hmacSecretBytes,
  publicKeyAlgorithms,
  type PublicJwk,
  type SecretKey,
  type SkippedKey,
} from './key-material.js'
import { isTexts, type Report } from './options.js'
import { parsePublicKeys, parseSecrets, type StaticKeys } from './static-keys.js'

/**
 * The keys of an issuer, at least one. A signature is verified with keys of the family of its
 * algorithm alone (RFC 8725 §3.1).
 */
export type IssuerKeys = Readonly<{
  secrets: readonly SecretKey[]
  jwks: readonly PublicJwk[]
  /** URL of a remote key set */
  uri?: string
  /** The issuer whose metadata has the URL of its key set. */
  discovery?: string
  /** Keys of the given sets that are not used. */
  skipped: readonly SkippedKey[]
}>

/** The settings of an issuer that give keys. An issuer has at least one of them. */
export const keyMembers = ['secret', 'publicKey', 'jwksUri', 'discovery'] as const
export type KeyMember = (typeof keyMembers)[number]

type Given = Readonly<Partial<Record<KeyMember | 'issuer', unknown>>>
type ReportMember = (member: KeyMember, what: string) => void

/** Where a key set is fetched from: its URL, or the issuer that says the URL. */
export const remoteUriOf = ({ uri, discovery }: Pick<IssuerKeys, 'uri' | 'discovery'>) =>
  uri ?? discovery

/** Whether a setting gives keys. Without a value, or as `discovery: false`, it gives none. */
export const isGiven = (given: Given, member: KeyMember): boolean =>
  given[member] !== undefined && !(member === 'discovery' && given[member] === false)

/** @returns nothing when one of the settings is wrong */
export function parseKeys(given: Given, report: ReportMember): IssuerKeys | undefined {
  const read = <T>(member: KeyMember, parse: (value: unknown, report: Report) => T | undefined) =>
    isGiven(given, member)
      ? { value: parse(given[member], (what) => report(member, what)) }
      : undefined
  const secrets = read('secret', listOf(parseSecrets, 'must be a string that is not empty'))
  const jwks = read('publicKey', listOf(parsePublicKeys, 'must be PEM, a JWK or a JWKS'))
  const uri = read('jwksUri', keySetUri)
  const discovery = read('discovery', discoveryOf(given))
  if ([secrets, jwks, uri, discovery].some((one) => one !== undefined && one.value === undefined))
    return undefined
  return {
    secrets: secrets?.value?.keys ?? [],
    jwks: jwks?.value?.keys ?? [],
    ...(uri?.value !== undefined && { uri: uri.value }),
    ...(discovery?.value !== undefined && { discovery: discovery.value }),
    skipped: [...(secrets?.value?.skipped ?? []), ...(jwks?.value?.skipped ?? [])],
  }
}

/** Reads one text or several. The JSON of a key may also be given as the object it stands for. */
const listOf =
  <T>(parse: (text: string) => StaticKeys<T>, fault: string) =>
  (value: unknown, report: Report): StaticKeys<T> | undefined => {
    const given: unknown[] = Array.isArray(value) ? value : [value]
    const written = given.map(keyText)
    if (!isTexts(written)) {
      report(fault)
      return undefined
    }
    try {
      const parsed = written.map(parse)
      return {
        keys: parsed.flatMap(({ keys }) => keys),
        skipped: parsed.flatMap(({ skipped }) => skipped),
      }
    } catch (error) {
      report((error as Error).message)
      return undefined
    }
  }

function keySetUri(value: unknown, report: Report): string | undefined {
  if (typeof value === 'string' && isKeySetUri(value)) return value
  report('must be an http or https URL, without user and password')
  return undefined
}

/** The issuer whose metadata is fetched; it is the base of the URL (RFC 8414 §2). */
const discoveryOf =
  ({ issuer, jwksUri }: Given) =>
  (_: unknown, report: Report): string | undefined => {
    if (jwksUri !== undefined) report('goes without a URL of the key set, which it finds')
    if (typeof issuer === 'string' && isKeySetUri(issuer) && !/[?#{]/.test(issuer)) return issuer
    report(
      typeof issuer === 'string' && issuer.includes('{')
        ? 'does not go with an issuer that has {claim}'
        : 'needs an issuer that is an http or https URL, without query',
    )
    return undefined
  }

function keyText(value: unknown): unknown {
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

/** Whether an algorithm is one for shared secrets. */
export const isOfSecret = (algorithm: string) => algorithm in hmacSecretBytes
const supported: readonly string[] = [...Object.keys(hmacSecretBytes), ...publicKeyAlgorithms]

/** The algorithms of a remote key set when none are named. */
const remoteAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/**
 * The accepted algorithms: those that are named, which must suit the keys, or else the defaults of
 * the keys.
 */
export function checkAlgorithms(
  named: readonly string[],
  keys: IssuerKeys,
  report: Report,
): readonly string[] {
  const fault = faultOfAlgorithms(named, keys)
  if (fault !== undefined) {
    report(fault)
    return []
  }
  if (named.length === 0) return defaultsOf(keys)
  // EdDSA and Ed25519 are two names of one algorithm here (RFC 9864).
  return named.some((algorithm) => algorithm === 'EdDSA' || algorithm === 'Ed25519')
    ? [...new Set([...named, 'EdDSA', 'Ed25519'])]
    : named
}

function faultOfAlgorithms(named: readonly string[], keys: IssuerKeys): string | undefined {
  const hasSecret = keys.secrets.length > 0
  const hasPublic = keys.jwks.length > 0 || remoteUriOf(keys) !== undefined
  const unknown = named.filter((algorithm) => !supported.includes(algorithm))
  if (unknown.length > 0) return `has ${unknown.join(', ')}, which cierre does not know`
  const unsuitable = named.filter((algorithm) => !(isOfSecret(algorithm) ? hasSecret : hasPublic))
  if (unsuitable.length > 0)
    return `has ${unsuitable.join(', ')}, which does not go with ${hasSecret ? 'a shared secret' : 'public keys'}`
  const unused = named.filter((algorithm) => !hasKeyFor(algorithm, keys))
  if (unused.length > 0) return `has ${unused.join(', ')}, which no key is for`
  if (named.length === 0) return undefined
  if (hasSecret && !named.some(isOfSecret)) return 'has none for the shared secret'
  return hasPublic && named.every(isOfSecret) ? 'has none for the public keys' : undefined
}

const hasKeyFor = (algorithm: string, { secrets, jwks, ...remote }: IssuerKeys): boolean =>
  isOfSecret(algorithm)
    ? secrets.some(({ alg = algorithm }) => alg === algorithm)
    : remoteUriOf(remote) !== undefined || jwks.some((jwk) => algorithmsOf(jwk).includes(algorithm))

function defaultsOf({ secrets, jwks, ...remote }: IssuerKeys): readonly string[] {
  return [
    ...new Set([
      ...secrets.map(({ alg = 'HS256' }) => alg),
      ...defaultAlgorithms(jwks),
      ...(remoteUriOf(remote) === undefined ? [] : remoteAlgorithms),
    ]),
  ]
}

/** RFC 7518 §3.2: a secret is at least as long as the hash output of each algorithm it is for. */
export function checkSecretLength(
  { secrets }: IssuerKeys,
  algorithms: readonly string[],
  report: Report,
): void {
  const ofSecret = algorithms.filter(isOfSecret)
  for (const [index, { bytes, alg }] of secrets.entries()) {
    const own = alg === undefined ? ofSecret : [alg]
    const needed = Math.max(
      ...own.map((algorithm) => hmacSecretBytes[algorithm as keyof typeof hmacSecretBytes]),
    )
    const which = secrets.length > 1 ? `: number ${index + 1} is not` : ''
    if (bytes.length < needed)
      report(`must be at least ${needed} bytes long for ${own.join(', ')}${which}`)
  }
}
