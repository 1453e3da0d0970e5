import { ServiceError } from '../errors.js'
import { urlAddress } from '../runtime/url-address.js'
import type { Discovery } from './discovery.js'
import { fetchJson, FetchError, reasonOf } from './fetch-json.js'
import { readKeySet, readPublicJwk, skippedKey } from './jwk.js'
import type { PublicJwk, SkippedKey } from './key-material.js'
import { createKeySetFetches, type KeySetFetches } from './key-set-fetches.js'
import { createKeySet, type FetchedKeySet, type KeyHeader, type KeySource } from './key-source.js'
import { logSkippedKeys, type KeySourceLog } from './key-source-log.js'
import { createKeyWaiters } from './key-waiters.js'
import type { VerificationKey } from './signature.js'

type Parts = Readonly<{
  /** The URL of the key set, or the issuer whose metadata has it. */
  uri: string | Discovery
  fixed: readonly PublicJwk[]
  now: () => number
  log: KeySourceLog
}>

/** How often `tick` looks whether a fetch is due. */
const tickMs = 100

/**
 * A key set behind a URL (RFC 7517 §5). It is loaded at once and refreshed in the background every
 * 300 s, and 30 s after a failure. An unknown `kid` causes a fetch, at most once in 5 s. The `kid` counts as unknown only
 * after a fetch that began later has succeeded and did not bring it. A failed fetch leaves the keys
 * as they are. Redirects are refused; weak, symmetric and unreadable keys are skipped.
 *
 * @param parts `fixed` keys verify signatures as well, with and without the key set
 */
export function remoteKeySource(parts: Parts): KeySource {
  const closing = new AbortController()
  const keySet = createLoadedKeySet(parts, closing.signal)
  const fetches = createKeySetFetches(keySet.load, parts.now)
  const lookUp = createKeyLookUp(keySet, fetches)
  const wait = createKeyWaiters()
  const timer = setInterval(fetches.tick, tickMs)
  timer.unref()
  fetches.tick()
  return {
    async candidates(header, waiter) {
      const keys = await keySet.candidates(header)
      if (keys.length > 0) return keys
      const found =
        waiter === undefined
          ? await lookUp.unknownKey(header, true)
          : await wait(waiter, () => lookUp.unknownKey(header, false))
      if (found === undefined) throw unavailable()
      return found
    },
    async candidatesAfterBadSignature(header, waiter) {
      const fetched = lookUp.fetchAfterBadSignature(header, waiter === undefined)
      if (fetched === undefined) return []
      const isFetched = waiter === undefined ? await fetched : await wait(waiter, () => fetched)
      if (isFetched !== true) throw unavailable()
      return keySet.candidates(header)
    },
    isLoaded: keySet.isLoaded,
    generation: keySet.generation,
    fetched: keySet.fetched,
    ...(typeof parts.uri !== 'string' && { metadata: parts.uri.metadata }),
    close() {
      clearInterval(timer)
      closing.abort()
      fetches.close()
    },
  }
}

type LoadedKeySet = ReturnType<typeof createLoadedKeySet>

/** The fixed keys, and the key set as it was fetched last; empty before the first fetch. */
function createLoadedKeySet({ uri, fixed, now, log }: Parts, closing: AbortSignal) {
  const base = typeof uri === 'string' ? uri : uri.issuer
  const { origin } = new URL(base)
  const locate = async () => (typeof uri === 'string' ? uri : uri.keySetUri(closing))
  let fetches: FetchedKeySet = {
    address: urlAddress(base),
    loadedAtMs: undefined,
    failures: 0,
    reason: undefined,
  }
  let loaded = { keySet: createKeySet(fixed), fetched: createKeySet([]), text: '', generation: 0 }
  const logSkipped = onceForEach(log, origin)
  return {
    /** Fetches the key set and says whether that succeeded. */
    async load(): Promise<boolean> {
      try {
        const { keys, skipped } = await fetchKeys(await locate(), closing)
        logSkipped(skipped)
        const text = JSON.stringify(keys)
        const generation = loaded.generation + (text === loaded.text ? 0 : 1)
        const fetched = createKeySet(keys)
        loaded = { keySet: createKeySet([...fixed, ...keys]), fetched, text, generation }
        fetches = { ...fetches, loadedAtMs: now(), reason: undefined }
        log.info({ origin, keys: keys.length }, 'key set loaded')
        return true
      } catch (cause) {
        if (closing.aborted) return false
        const reason = reasonOf(cause)
        fetches = { ...fetches, failures: fetches.failures + 1, reason }
        log.error({ origin, reason }, 'key set not loaded')
        return false
      }
    },
    candidates: (header: KeyHeader) => loaded.keySet.candidates(header),
    hasNamed: (header: KeyHeader) => loaded.fetched.hasNamed(header),
    isLoaded: () => loaded.text !== '',
    generation: () => loaded.generation,
    fetched: () => fetches,
  }
}

/** Logs a key that is not used when it is seen first, and not again at every fetch. */
function onceForEach(log: KeySourceLog, origin: string): (skipped: readonly SkippedKey[]) => void {
  let logged = new Set<string>()
  return (skipped) => {
    const isNew = (key: SkippedKey) => !logged.has(JSON.stringify(key))
    logSkippedKeys(skipped.filter(isNew), { origin }, log)
    logged = new Set(skipped.map((key) => JSON.stringify(key)))
  }
}

/**
 * Decides which fetch answers for a key that is not in the set. While no fetch may begin, a check
 * (`isCheck`) fails at once; an operation that ends tokens waits for the next fetch.
 */
function createKeyLookUp(keySet: LoadedKeySet, fetches: KeySetFetches) {
  return {
    /** The keys that fit, or none when a fetch that began after the call brought none. */
    async unknownKey(header: KeyHeader, isCheck: boolean): Promise<readonly VerificationKey[]> {
      // A fetch that is under way may bring the key, but began too early to show that there is no
      // such key.
      if (await fetches.running()) {
        const keys = await keySet.candidates(header)
        if (keys.length > 0) return keys
      }
      if (isCheck && fetches.isCoolingDown()) throw unavailable()
      if (!(await fetches.next())) throw unavailable()
      return keySet.candidates(header)
    },
    /**
     * The fetch that may bring the key of a signature that no key of the set has made. Nothing when
     * the key set is not older than 30 s.
     */
    fetchAfterBadSignature(header: KeyHeader, isCheck: boolean): Promise<boolean> | undefined {
      const mayBeReplaced = keySet.hasNamed(header) || (isCheck && header.kid === undefined)
      // Checks of forged signatures must not pile up behind a fetch.
      if (isCheck && fetches.running() !== undefined) return Promise.resolve(false)
      if (mayBeReplaced) return fetches.afterBadSignature()
      return isCheck && fetches.isCoolingDown() ? Promise.resolve(false) : fetches.next()
    },
  }
}

const unavailable = () => new ServiceError('keys_unavailable', { reason: 'keys' })

/**
 * Fetches a key set once, from its URL or that of the metadata of its issuer.
 *
 * @throws Error with a short reason that quotes neither the URL nor the answer
 */
export async function tryKeySet(uri: string | Discovery): Promise<FetchedKeys> {
  const { signal } = new AbortController()
  const located = typeof uri === 'string' ? Promise.resolve(uri) : uri.keySetUri(signal)
  return located
    .then((found) => fetchKeys(found, signal))
    .catch((error: unknown) => {
      throw new Error(reasonOf(error))
    })
}

type FetchedKeys = Readonly<{ keys: readonly PublicJwk[]; skipped: readonly SkippedKey[] }>

async function fetchKeys(uri: string, closing: AbortSignal): Promise<FetchedKeys> {
  const accept = 'application/jwk-set+json, application/json'
  const members = membersOf(await fetchJson(uri, { accept, closing }))
  const { keys, unusable } = readKeySet(members, readPublicJwk)
  // An empty key set counts as a failed fetch: accepting it would refuse every valid token.
  if (keys.length === 0)
    throw new FetchError(
      ['answered no key that verifies', ...new Set(unusable.map(({ message }) => message))].join(
        '; ',
      ),
    )
  return { keys, skipped: unusable.map(skippedKey) }
}

function membersOf(document: unknown): unknown[] {
  const keys = (document as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new FetchError('answered JSON that is no JWKS')
  return keys
}
