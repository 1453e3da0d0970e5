import { askWithin, textOf } from '../asking.js'
import { ServiceError } from '../errors.js'
import { checkPublicJwk, mayVerify, type PublicJwk } from './key-material.js'
import { createKeySet, type KeySource } from './key-source.js'

const refreshEveryMs = 300_000
const coolDownMs = 5_000
const fetchTimeoutMs = 5_000
const largestSetBytes = 1 << 20

/** Where a key set's fortunes are told. */
export type KeySourceLog = Readonly<Record<'info' | 'warn' | 'error', (details: object, message: string) => void>>

/**
 * A key set behind a URL (RFC 7517 §5), loaded at once and refreshed in the background every 300 s. A `kid` it does not know
 * starts a fetch, at most one in 5 s: it is "unknown" only when a fetch within the last 5 s succeeded without it. A failed refresh
 * keeps the keys there are. Redirects are refused, and keys that are weak, symmetric or unreadable are passed over.
 */
export function remoteKeySource(parts: { uri: string; now: () => number; log: KeySourceLog }): KeySource {
  const { uri, now, log } = parts
  const origin = new URL(uri).origin
  let keySet: ReturnType<typeof createKeySet> | undefined
  let loaded = ''
  let generation = 0
  let triedAtMs = -Infinity
  let loadedAtMs = -Infinity
  let running: Promise<void> | undefined
  const closing = new AbortController()
  // A clock that was set back must not hold up a fetch.
  const isWithin = (sinceMs: number, ms: number) => now() >= sinceMs && now() - sinceMs < ms

  const load = async () => {
    triedAtMs = now()
    try {
      const keys = await fetchKeys(uri, closing.signal, (reason) => log.warn({ origin, reason }, 'a key of the key set is passed over'))
      const text = JSON.stringify(keys)
      if (text !== loaded) generation += 1
      loaded = text
      keySet = createKeySet(keys)
      loadedAtMs = triedAtMs
      log.info({ origin, keys: keys.length }, 'key set loaded')
    } catch (cause) {
      if (!closing.signal.aborted) log.error({ origin, reason: reasonOf(cause) }, 'key set not loaded')
    }
  }
  // Callers that arrive while a fetch runs share it.
  const loadOnce = () => (running ??= load().finally(() => (running = undefined)))
  const timer = setInterval(() => {
    // A set that never arrived is asked for at every tick of the cool-down, not of the refresh.
    if (!isWithin(triedAtMs, keySet === undefined ? coolDownMs : refreshEveryMs)) void loadOnce()
  }, 1_000)
  timer.unref()
  void loadOnce()

  return {
    async candidates(header) {
      const known = (await keySet?.candidates(header)) ?? []
      if (known.length > 0) return known
      if (isWithin(loadedAtMs, coolDownMs)) return known
      if (running !== undefined || !isWithin(triedAtMs, coolDownMs)) await loadOnce()
      if (!isWithin(loadedAtMs, coolDownMs) || keySet === undefined) throw new ServiceError('keys_unavailable', { reason: 'keys' })
      return keySet.candidates(header)
    },
    isLoaded: () => keySet !== undefined,
    generation: () => generation,
    close() {
      clearInterval(timer)
      closing.abort()
    },
  }
}

/** A word on what went wrong; messages of strangers may quote the URL with what is secret in it. */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetFault || error instanceof RangeError) return error.message
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? name
}

class KeySetFault extends Error {}

async function fetchKeys(uri: string, closing: AbortSignal, passOver: (reason: string) => void): Promise<PublicJwk[]> {
  const text = await askWithin(fetchTimeoutMs, uri, { headers: { accept: 'application/jwk-set+json, application/json' }, closing }, async (answer) => {
    if (answer.status !== 200) throw new KeySetFault(`answered ${answer.status}`)
    return textOf(answer, largestSetBytes)
  })
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
  // Not taken for the news that every key is gone: of tokens that were good nobody could tell.
  if (!keys.some(mayVerify)) throw new KeySetFault('answered no key that verifies')
  return keys
}
