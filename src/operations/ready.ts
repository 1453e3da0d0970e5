import type { Logger } from 'pino'
import { withDeadline } from '../runtime/deadline.js'
import type { KeySource } from '../token/key-source.js'
import type { Answer, Operation } from './operation.js'
import type { CheckStatus, StoreProbe } from '../revocation/ports.js'

type Parts = {
  probe: StoreProbe
  timeoutMs: number
  keySources: () => readonly KeySource[]
  now: () => number
  isFollowing: () => boolean
  log: Pick<Logger, 'info' | 'warn'>
}

const sharedForMs = 1_000

/** However many ask, the store is asked once in a second. */
export const ready = (parts: Parts): Operation<'ready'> => {
  let last: { atMs: number; answer: Promise<Answer<'ready'>> } | undefined
  let told = ''
  let wasReady = false
  const tell: Tell = (isReady, checks) => {
    const text = checks.map(({ name, status }) => `${name} ${status}`).join(', ')
    if (text === told) return
    told = text
    const message = `${isReady ? '' : 'not '}ready: ${text}`
    // Before the first time it is only getting there.
    if (isReady || !wasReady) parts.log.info(message)
    else parts.log.warn(message)
    wasReady ||= isReady
  }
  return async () => {
    const nowMs = parts.now()
    if (last === undefined || nowMs - last.atMs >= sharedForMs || nowMs < last.atMs) {
      last = { atMs: nowMs, answer: answer(parts, tell) }
    }
    return last.answer
  }
}

type Tell = (isReady: boolean, checks: readonly { name: string; status: CheckStatus }[]) => void

async function answer(
  { probe, timeoutMs, keySources, isFollowing }: Parts,
  tell: Tell,
): Promise<Answer<'ready'>> {
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
  const isReady =
    fitness.store === 'ok' && fitness.eviction === 'ok' && keys === 'ok' && replica === 'ok'
  tell(isReady, checks)
  return isReady
    ? { status: 200, body: { status: 'ready', checks } }
    : { status: 503, body: { status: 'not_ready', checks }, headers: { 'Retry-After': '1' } }
}
