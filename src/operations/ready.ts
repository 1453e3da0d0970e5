import { withDeadline } from '../store/deadline.js'
import type { CheckStatus, StoreProbe } from '../store/probe.js'
import type { KeySource } from '../token/key-source.js'
import type { Answer, Operation } from './operation.js'

type Parts = { probe: StoreProbe; timeoutMs: number; keySources: () => readonly KeySource[]; now: () => number; isFollowing: () => boolean }

const sharedForMs = 1_000

/** However many ask, the store is asked once in a second. */
export const ready = (parts: Parts): Operation<'ready'> => {
  let last: { atMs: number; answer: Promise<Answer<'ready'>> } | undefined
  return async () => {
    const nowMs = parts.now()
    if (last === undefined || nowMs - last.atMs >= sharedForMs || nowMs < last.atMs) {
      last = { atMs: nowMs, answer: answer(parts) }
    }
    return last.answer
  }
}

async function answer({ probe, timeoutMs, keySources, isFollowing }: Parts): Promise<Answer<'ready'>> {
  const fitness = await withDeadline(probe(), timeoutMs).catch(
    () => ({ store: 'failed', eviction: 'unknown', persistence: 'unknown' }) as const,
  )
  const keys: CheckStatus = keySources().every((source) => source.isLoaded()) ? 'ok' : 'failed'
  const replica: CheckStatus = isFollowing() ? 'ok' : 'failed'
  const checks = [
    { name: 'store' as const, status: fitness.store },
    { name: 'eviction' as const, status: fitness.eviction },
    { name: 'persistence' as const, status: fitness.persistence },
    { name: 'keys' as const, status: keys },
    { name: 'replica' as const, status: replica },
  ]
  const isReady = fitness.store === 'ok' && fitness.eviction === 'ok' && keys === 'ok' && replica === 'ok'
  return isReady
    ? { status: 200, body: { status: 'ready', checks } }
    : { status: 503, body: { status: 'not_ready', checks }, headers: { 'Retry-After': '1' } }
}
