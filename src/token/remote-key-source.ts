import { requestWithin, textOf, type Answer } from '../runtime/http-client.js'
import { urlAddress } from '../runtime/url-address.js'
import { ServiceError } from '../errors.js'
import { readKeySet, readPublicJwk, skippedKey } from './jwk.js'
import type { PublicJwk, SkippedKey } from './key-material.js'
import { createKeySetFetches, type KeySetFetches } from './key-set-fetches.js'
import { createKeySet, type FetchedKeySet, type KeyHeader, type KeySource } from './key-source.js'
import { logSkippedKeys, type KeySourceLog } from './key-source-log.js'
import { createKeyWaiters } from './key-waiters.js'
import type { VerificationKey } from './signature.js'

const fetchTimeoutMs = 5_000
const largestSetBytes = 1 << 20

type Parts = Readonly<{
  uri: string
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
  const { origin } = new URL(uri)
  let fetches: FetchedKeySet = {
    address: urlAddress(uri),
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
        const { keys, skipped } = await fetchKeys(uri, closing)
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
 * Fetches a key set once.
 *
 * @throws Error with a short reason that quotes neither the URL nor the answer
 */
export function tryKeySet(uri: string): Promise<FetchedKeys> {
  return fetchKeys(uri, new AbortController().signal).catch((error: unknown) => {
    throw new Error(reasonOf(error))
  })
}

/**
 * A short reason for the log. The messages of other errors may quote the URL and a secret in it.
 */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetError || error instanceof RangeError) return error.message
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}

class KeySetError extends Error {}

type FetchedKeys = Readonly<{ keys: readonly PublicJwk[]; skipped: readonly SkippedKey[] }>

async function fetchKeys(uri: string, closing: AbortSignal): Promise<FetchedKeys> {
  const headers = {
    accept: 'application/jwk-set+json, application/json',
    'cache-control': 'no-cache',
  }
  const init = { headers, closing }
  const text = await requestWithin(fetchTimeoutMs, uri, init, async (answer) => {
    if (answer.status !== 200) throw new KeySetError(`answered ${statusOf(answer, uri)}`)
    return textOf(answer, largestSetBytes)
  })
  const { keys, unusable } = readKeySet(membersOf(text), readPublicJwk)
  // An empty key set counts as a failed fetch: accepting it would refuse every valid token.
  if (keys.length === 0)
    throw new KeySetError(
      ['answered no key that verifies', ...new Set(unusable.map(({ message }) => message))].join(
        '; ',
      ),
    )
  return { keys, skipped: unusable.map(skippedKey) }
}

/** The status, and of a redirect where to: host and path, since a query may hold a secret. */
function statusOf({ status, headers }: Pick<Answer, 'status' | 'headers'>, uri: string): string {
  const location = headers.get('location')
  if (status < 300 || status > 399 || location === null || !URL.canParse(location, uri))
    return String(status)
  const { host, pathname, protocol } = new URL(location, uri)
  return `${status}, a redirect to ${protocol}//${host}${pathname}, which is not followed`
}

function membersOf(text: string): unknown[] {
  // A byte order mark is a blank to `trim`, but not to JSON.
  const trimmed = text.trim()
  if (trimmed.startsWith('<')) throw new KeySetError('answered HTML or XML, no JSON')
  const body = parseJson(trimmed) as { keys?: unknown } | null
  if (!Array.isArray(body?.keys)) throw new KeySetError('answered JSON that is no JWKS')
  return body.keys
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the answer.
    throw new KeySetError('answered no JSON')
  }
}
