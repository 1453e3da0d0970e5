import { requestWithin, textOf } from '../runtime/http-client.js'
import { ServiceError } from '../errors.js'
import { checkPublicJwk, mayVerify, type PublicJwk } from './key-material.js'
import { createKeySetFetches } from './key-set-fetches.js'
import { createKeySet, type KeyHeader, type KeySource } from './key-source.js'
import { createKeyWaiters } from './key-waiters.js'
import type { VerificationKey } from './signature.js'

const fetchTimeoutMs = 5_000
const largestSetBytes = 1 << 20

/** Where a key set's fortunes are told. */
export type KeySourceLog = Readonly<
  Record<'info' | 'warn' | 'error', (details: object, message: string) => void>
>

/** How often it is looked whether a fetch is due. */
const tickMs = 100

/**
 * A key set behind a URL (RFC 7517 §5), loaded at once and refreshed in the background every 300 s. A `kid` that it does not know is fetched
 * for, at most once in 5 s: it is unknown only when a fetch that began later succeeded without it. A failed fetch keeps the keys there are.
 * Redirects are refused, and keys that are weak, symmetric or unreadable are passed over.
 */
export function remoteKeySource(parts: {
  uri: string
  now: () => number
  log: KeySourceLog
}): KeySource {
  const { uri, now, log } = parts
  const origin = new URL(uri).origin
  const closing = new AbortController()
  const wait = createKeyWaiters()
  let loaded = { keySet: createKeySet([]), text: '', generation: 0 }

  const load = async (): Promise<boolean> => {
    try {
      const keys = await fetchKeys(uri, closing.signal, (reason) =>
        log.warn({ origin, reason }, 'a key of the key set is passed over'),
      )
      const text = JSON.stringify(keys)
      loaded = {
        keySet: createKeySet(keys),
        text,
        generation: loaded.generation + (text === loaded.text ? 0 : 1),
      }
      log.info({ origin, keys: keys.length }, 'key set loaded')
      return true
    } catch (cause) {
      if (!closing.signal.aborted)
        log.error({ origin, reason: reasonOf(cause) }, 'key set not loaded')
      return false
    }
  }
  const fetches = createKeySetFetches(load, now)
  const unknownKey = async (
    header: KeyHeader,
    isCheck: boolean,
  ): Promise<readonly VerificationKey[]> => {
    // The fetch that is under way may bring the key, but began too early to prove that there is none.
    if (await fetches.running()) {
      const keys = await loaded.keySet.candidates(header)
      if (keys.length > 0) return keys
    }
    if (isCheck && fetches.isCoolingDown()) throw unavailable()
    if (!(await fetches.next())) throw unavailable()
    return loaded.keySet.candidates(header)
  }
  /** The fetch that may bring the key of a signature that no known key has made; nothing when the keys are not older than 30 s. */
  const fetchAfterBadSignature = (
    header: KeyHeader,
    isCheck: boolean,
  ): Promise<boolean> | undefined => {
    const mayBeReplaced = loaded.keySet.hasNamed(header) || (isCheck && header.kid === undefined)
    // Forged signatures must not pile up behind a fetch.
    if (isCheck && fetches.running() !== undefined) return Promise.resolve(false)
    if (mayBeReplaced) return fetches.afterBadSignature()
    return isCheck && fetches.isCoolingDown() ? Promise.resolve(false) : fetches.next()
  }
  const timer = setInterval(fetches.tick, tickMs)
  timer.unref()
  fetches.tick()

  return {
    async candidates(header, waiter) {
      const keys = await loaded.keySet.candidates(header)
      if (keys.length > 0) return keys
      const found =
        waiter === undefined
          ? await unknownKey(header, true)
          : await wait(waiter, () => unknownKey(header, false))
      if (found === undefined) throw unavailable()
      return found
    },
    async candidatesAfterBadSignature(header, waiter) {
      const fetched = fetchAfterBadSignature(header, waiter === undefined)
      if (fetched === undefined) return []
      const isFetched = waiter === undefined ? await fetched : await wait(waiter, () => fetched)
      if (isFetched !== true) throw unavailable()
      return loaded.keySet.candidates(header)
    },
    isLoaded: () => loaded.text !== '',
    generation: () => loaded.generation,
    close() {
      clearInterval(timer)
      closing.abort()
      fetches.close()
    },
  }
}

const unavailable = () => new ServiceError('keys_unavailable', { reason: 'keys' })

/** A word on what went wrong; messages of strangers may quote the URL with what is secret in it. */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetFault || error instanceof RangeError) return error.message
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}

class KeySetFault extends Error {}

async function fetchKeys(
  uri: string,
  closing: AbortSignal,
  passOver: (reason: string) => void,
): Promise<PublicJwk[]> {
  const text = await requestWithin(
    fetchTimeoutMs,
    uri,
    {
      headers: {
        accept: 'application/jwk-set+json, application/json',
        'cache-control': 'no-cache',
      },
      closing,
    },
    async (answer) => {
      if (answer.status !== 200) throw new KeySetFault(`answered ${answer.status}`)
      return textOf(answer, largestSetBytes)
    },
  )
  const body = JSON.parse(text) as { keys?: unknown } | null
  if (!Array.isArray(body?.keys)) throw new KeySetFault('answered no JWKS')
  const keys = body.keys.flatMap((key: unknown) => {
    try {
      return [checkPublicJwk(key)]
    } catch (reason) {
      passOver((reason as Error).message)
      return []
    }
  })
  // An empty key set counts as a failed fetch: accepting it would refuse every valid token.
  if (!keys.some(mayVerify)) throw new KeySetFault('answered no key that verifies')
  return keys
}
