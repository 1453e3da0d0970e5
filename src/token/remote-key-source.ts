import { requestWithin, textOf } from '../runtime/http-client.js'
import { ServiceError } from '../errors.js'
import { checkPublicJwk, mayVerify, type PublicJwk } from './key-material.js'
import { createKeySetFetches, type KeySetFetches } from './key-set-fetches.js'
import { createKeySet, type KeyHeader, type KeySource } from './key-source.js'
import { createKeyWaiters } from './key-waiters.js'
import type { VerificationKey } from './signature.js'

const fetchTimeoutMs = 5_000
const largestSetBytes = 1 << 20

/** Gets a line for every fetch of a key set, and for every key of it that cannot be used. */
export type KeySourceLog = Readonly<
  Record<'info' | 'warn' | 'error', (details: object, message: string) => void>
>

/** How often `tick` looks whether a fetch is due. */
const tickMs = 100

/**
 * A key set behind a URL (RFC 7517 §5). It is loaded at once and refreshed in the background every
 * 300 s. An unknown `kid` causes a fetch, at most once in 5 s. The `kid` counts as unknown only
 * after a fetch that began later has succeeded and did not bring it. A failed fetch leaves the keys
 * as they are. Redirects are refused; weak, symmetric and unreadable keys are skipped.
 */
export function remoteKeySource(parts: {
  uri: string
  now: () => number
  log: KeySourceLog
}): KeySource {
  const closing = new AbortController()
  const keySet = createLoadedKeySet(parts.uri, parts.log, closing.signal)
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
    close() {
      clearInterval(timer)
      closing.abort()
      fetches.close()
    },
  }
}

type LoadedKeySet = ReturnType<typeof createLoadedKeySet>

/** The key set as it was fetched last; empty before the first fetch. */
function createLoadedKeySet(uri: string, log: KeySourceLog, closing: AbortSignal) {
  const { origin } = new URL(uri)
  let loaded = { keySet: createKeySet([]), text: '', generation: 0 }
  const onSkipped = (reason: string) =>
    log.warn({ origin, reason }, 'a key of the key set is skipped')
  return {
    /** Fetches the key set and says whether that succeeded. */
    async load(): Promise<boolean> {
      try {
        const keys = await fetchKeys(uri, closing, onSkipped)
        const text = JSON.stringify(keys)
        const generation = loaded.generation + (text === loaded.text ? 0 : 1)
        loaded = { keySet: createKeySet(keys), text, generation }
        log.info({ origin, keys: keys.length }, 'key set loaded')
        return true
      } catch (cause) {
        if (!closing.aborted) log.error({ origin, reason: reasonOf(cause) }, 'key set not loaded')
        return false
      }
    },
    candidates: (header: KeyHeader) => loaded.keySet.candidates(header),
    hasNamed: (header: KeyHeader) => loaded.keySet.hasNamed(header),
    isLoaded: () => loaded.text !== '',
    generation: () => loaded.generation,
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
 * A short reason for the log. The messages of other errors may quote the URL and a secret in it.
 */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetError || error instanceof RangeError) return error.message
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}

class KeySetError extends Error {}

async function fetchKeys(
  uri: string,
  closing: AbortSignal,
  onSkipped: (reason: string) => void,
): Promise<PublicJwk[]> {
  const headers = {
    accept: 'application/jwk-set+json, application/json',
    'cache-control': 'no-cache',
  }
  const text = await requestWithin(fetchTimeoutMs, uri, { headers, closing }, async (answer) => {
    if (answer.status !== 200) throw new KeySetError(`answered ${answer.status}`)
    return textOf(answer, largestSetBytes)
  })
  const body = JSON.parse(text) as { keys?: unknown } | null
  if (!Array.isArray(body?.keys)) throw new KeySetError('answered no JWKS')
  const keys = body.keys.flatMap((key: unknown) => {
    try {
      return [checkPublicJwk(key)]
    } catch (reason) {
      onSkipped((reason as Error).message)
      return []
    }
  })
  // An empty key set counts as a failed fetch: accepting it would refuse every valid token.
  if (!keys.some(mayVerify)) throw new KeySetError('answered no key that verifies')
  return keys
}
