import { createSecretKey, KeyObject } from 'node:crypto'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import type { IssuerMetadata } from './discovery.js'
import { algorithmsOf, type PublicJwk, type SecretKey } from './key-material.js'
import { verificationKey, type VerificationKey } from './signature.js'

/** What a token's header says about its key (RFC 7515 §4.1.1, §4.1.4). */
export type KeyHeader = Readonly<{ alg: string; kid?: string | undefined }>

/** A key set that is fetched. */
export type FetchedKeySet = Readonly<{
  /** Its URL without the query, which may hold a secret. */
  address: string
  /** Epoch milliseconds of the last fetch that succeeded; `undefined` before the first. */
  loadedAtMs: number | undefined
  /** Fetches that failed. */
  failures: number
  /** Why the last fetch failed; `undefined` when it did not. */
  reason: string | undefined
}>

/** The keys of one issuer. */
export type KeySource = {
  /**
   * The keys that may have made a signature; none when the issuer has no such key.
   *
   * @param waiter address of a client whose request may wait up to 10 s for the next fetch; without
   * it the call does not wait while no fetch may begin
   * @throws ServiceError `keys_unavailable` when it cannot be known now whether there is such a key
   */
  candidates(
    header: KeyHeader,
    waiter?: string,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
  /**
   * The keys after another fetch, for a signature that no candidate has made. The issuer may have
   * replaced the key that the token names under the same `kid`, or any key of a set without `kid`s.
   * For such a key the set is fetched again once in 30 s, and between the fetches the answer is
   * empty. For any other key the call waits as for an unknown key.
   *
   * @throws ServiceError `keys_unavailable` when the key set could not be fetched, or may not be
   * fetched now
   */
  candidatesAfterBadSignature(
    header: KeyHeader,
    waiter?: string,
  ): Promise<readonly VerificationKey[]>
  /** Whether keys have been loaded. */
  isLoaded(): boolean
  /** A number that changes whenever the keys do. */
  generation(): number
  /** What is known of a key set that is fetched; absent where none is. */
  fetched?(): FetchedKeySet
  /** What the metadata of the issuer says, where it names the key set. */
  metadata?(): IssuerMetadata | undefined
  close(): void
}

/** Shared secrets, each for its `alg` or else for all of these algorithms. */
export function secretKeySource(
  secrets: readonly SecretKey[],
  algorithms: readonly string[],
): KeySource {
  const imported = secrets.map(({ bytes, ...named }) => ({ ...named, key: createSecretKey(bytes) }))
  const keys = new Map(
    algorithms.map((algorithm) => [
      algorithm,
      imported
        .filter(({ alg = algorithm }) => alg === algorithm)
        .map(({ kid, key }) => ({ kid, key: verificationKey(algorithm, key) })),
    ]),
  )
  return unchanging(({ alg, kid }) =>
    (keys.get(alg) ?? []).filter((one) => isNamed(one, kid)).map(({ key }) => key),
  )
}

/** Public keys that never change. */
export const fixedKeySource = (jwks: readonly PublicJwk[]): KeySource =>
  unchanging(createKeySet(jwks).candidates)

const unchanging = (candidates: KeySource['candidates']): KeySource => ({
  candidates,
  candidatesAfterBadSignature: nothingNewer,
  isLoaded: () => true,
  generation: () => 0,
  close: () => undefined,
})

/**
 * Shared secrets and public keys of one issuer. A public key is never the secret of an HMAC
 * (RFC 8725 §3.1): the family of the algorithm decides where keys are looked up.
 */
export function bothFamilies(secrets: KeySource, publicKeys: KeySource): KeySource {
  const ofFamily = ({ alg }: KeyHeader) => (alg.startsWith('HS') ? secrets : publicKeys)
  return {
    ...publicKeys,
    candidates: (header, waiter) => ofFamily(header).candidates(header, waiter),
    candidatesAfterBadSignature: (header, waiter) =>
      ofFamily(header).candidatesAfterBadSignature(header, waiter),
  }
}

const nothingNewer = async () => []

/**
 * A parsed key set. Each key is imported once for each algorithm, since jose binds a key to one.
 */
export function createKeySet(jwks: readonly PublicJwk[]) {
  const imported = jwks.map((jwk): ImportedKey => ({ jwk, byAlgorithm: new Map() }))
  const kids = new Set(jwks.flatMap(({ kid }) => kid ?? []))
  return {
    /**
     * Whether the set has the key that a token names. In a set without `kid`s any key may be it.
     */
    hasNamed: ({ kid }: KeyHeader): boolean =>
      jwks.length > 0 && (kids.size === 0 || (kid !== undefined && kids.has(kid))),
    /** Answers at once, except for a key and algorithm that are used for the first time. */
    candidates: (header: KeyHeader) => candidatesOf(imported, header),
  }
}

type ImportedKey = Readonly<{
  jwk: PublicJwk
  byAlgorithm: Map<string, VerificationKey | Promise<VerificationKey>>
}>

function candidatesOf(
  imported: readonly ImportedKey[],
  { alg, kid }: KeyHeader,
): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
  const fitting = imported.filter(({ jwk }) => fits(jwk, alg) && isNamed(jwk, kid))
  const keys = fitting.map((one) => keyOf(one, alg))
  const known = keys.filter((key) => typeof key === 'function')
  return known.length === keys.length ? known : Promise.all(keys.map(async (key) => key))
}

/** A token without `kid` may be signed by any key, and a key without `kid` may sign any token. */
const isNamed = (key: Readonly<{ kid?: string | undefined }>, kid: string | undefined) =>
  kid === undefined || key.kid === undefined || key.kid === kid

function keyOf(
  { jwk, byAlgorithm }: ImportedKey,
  alg: string,
): VerificationKey | Promise<VerificationKey> {
  const known = byAlgorithm.get(alg)
  if (known !== undefined) return known
  const importing = importKey(jwk, alg).then((key) => {
    byAlgorithm.set(alg, key)
    return key
  })
  byAlgorithm.set(alg, importing)
  return importing
}

async function importKey(
  { kty, crv, x, y, n, e }: PublicJwk,
  alg: string,
): Promise<VerificationKey> {
  // Only the members of the key itself: jose would apply rules of its own to `alg`, `use` and
  // `key_ops`.
  const key = (await importJWK(
    JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JWK,
    alg,
  )) as CryptoKey
  return verificationKey(alg, KeyObject.from(key))
}

function fits(jwk: PublicJwk, alg: string): boolean {
  const declared = jwk.alg === undefined || jwk.alg === alg || isEd25519(jwk.alg, alg)
  return declared && algorithmsOf(jwk).includes(alg)
}

// RFC 9864 renamed EdDSA with Ed25519 keys to Ed25519.
const isEd25519 = (one: string, other: string) =>
  (one === 'EdDSA' && other === 'Ed25519') || (one === 'Ed25519' && other === 'EdDSA')
