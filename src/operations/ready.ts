import type { Logger } from 'pino'
import { withDeadline } from '../runtime/deadline.js'
import type { KeySource } from '../token/key-source.js'
import type { Answer } from './operation.js'
import type { CheckStatus, StoreHealthCheck } from '../revocation/ports.js'

type Parts = {
  checkHealth: StoreHealthCheck
  timeoutMs: number
  keySources: () => readonly KeySource[]
  now: () => number
  isFollowing: () => boolean
  /** What of the feed this version cannot read; `undefined` when it reads everything. */
  unreadable: () => string | undefined
  log: Pick<Logger, 'info' | 'warn'>
}

const sharedForMs = 1_000

type Checks = Extract<Answer<'ready'>['body'], { checks: unknown }>['checks']
type Health = { isReady: boolean; checks: Checks }

/** Requests within a second share one health check. */
export const ready = (parts: Parts): (() => Promise<Answer<'ready'>>) => {
  const logChange = createChangeLog(parts.log)
  let last: { atMs: number; answer: Promise<Answer<'ready'>> } | undefined
  return async () => {
    const nowMs = parts.now()
    const isShared = last !== undefined && nowMs >= last.atMs && nowMs - last.atMs < sharedForMs
    if (last === undefined || !isShared) last = { atMs: nowMs, answer: answer(parts, logChange) }
    return last.answer
  }
}

async function answer(parts: Parts, logChange: (health: Health) => void): Promise<Answer<'ready'>> {
  const health = await check(parts)
  logChange(health)
  const { isReady, checks } = health
  return isReady
    ? { status: 200, body: { status: 'ready', checks } }
    : { status: 503, body: { status: 'not_ready', checks }, headers: { 'Retry-After': '1' } }
}

const unavailable: Awaited<ReturnType<StoreHealthCheck>> = {
  store: 'failed',
  eviction: 'unknown',
  persistence: 'unknown',
}

async function check(parts: Parts): Promise<Health> {
  const { checkHealth, timeoutMs, keySources, isFollowing, unreadable } = parts
  const { store, eviction, persistence, foreignKey } = await withDeadline(
    checkHealth(),
    timeoutMs,
  ).catch(() => unavailable)
  const keys: CheckStatus = keySources().every((source) => source.isLoaded()) ? 'ok' : 'failed'
  const replica: CheckStatus = isFollowing() ? 'ok' : 'failed'
  return {
    isReady: [store, eviction, keys, replica].every(
      (status) => status === 'ok' || status === 'warning',
    ),
    checks: [
      { name: 'store', status: store, ...(foreignKey !== undefined && foreignDetail(foreignKey)) },
      { name: 'eviction', status: eviction },
      { name: 'persistence', status: persistence },
      { name: 'keys', status: keys },
      { name: 'replica', status: replica, ...(replica === 'failed' && detailOf(unreadable())) },
    ],
  }
}

const foreignDetail = (key: string) => detailOf(`${key} has a value that cierre did not write`)

const detailOf = (detail: string | undefined) => (detail === undefined ? {} : { detail })

/** Logs each change. A change to "not ready" is a warning, except before the first "ready". */
function createChangeLog(log: Parts['log']): (health: Health) => void {
  let logged = ''
  let hasBeenReady = false
  return ({ isReady, checks }) => {
    const text = checks
      .map(({ name, status, detail }) => `${name} ${status}${detail ? ` (${detail})` : ''}`)
      .join(', ')
    if (text === logged) return
    logged = text
    const message = `${isReady ? '' : 'not '}ready: ${text}`
    if (isReady || !hasBeenReady) log.info(message)
    else log.warn(message)
    hasBeenReady ||= isReady
  }
}
