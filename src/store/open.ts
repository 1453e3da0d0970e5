import { ServiceError } from '../errors.js'
import type { StoreHealthCheck } from '../revocation/ports.js'
import { withDeadline } from '../runtime/deadline.js'
import { createMemoryAdapter } from './memory.js'
import { memoryAuditTrail } from './memory-audit-trail.js'
import { keyPrefix } from './names.js'
import { openLinks, type Links } from './redis/links.js'
import { openRedisStores } from './redis/open.js'
import { createKeyDeleter } from './redis/session-keys.js'
import { memoryHealthCheck } from './redis/health.js'
import { createStore, type KeyDeleter } from './store.js'
import { trailCaps, type KeptStores, type Stores, type StoresParts } from './stores.js'

export function openStores(parts: StoresParts): Stores {
  const links = openLinks(parts)
  const deleteKeys = keyDeleterOf(links, parts)
  const kept =
    links.main === undefined
      ? openMemoryStores(parts, deleteKeys)
      : openRedisStores({ ...parts, main: links.main, links, deleteKeys })
  const { close, ...stores } = kept
  const checkStore = () => requireWritable(stores.checkHealth)
  const checks = {
    store: checkStore,
    sessions: () =>
      links.sessionData.place === 'external' ? checkSessionStore(links, parts) : checkStore(),
    audit: stores.trail.trim,
  }
  return {
    ...stores,
    async checkHealth() {
      const [health] = await Promise.all([stores.checkHealth(), checkSessionStore(links, parts)])
      return health
    },
    check: (of) => withDeadline(checks[of](), parts.config.storeTimeoutMs),
    firstAttempts: links.firstAttempts,
    reload: links.reload,
    primary: () => links.main?.address(),
    async close() {
      close()
      links.close()
    },
  }
}

async function requireWritable(checkHealth: StoreHealthCheck): Promise<void> {
  const { store } = await checkHealth()
  if (store !== 'ok') throw new Error('the store takes no writes')
}

function openMemoryStores(
  { config, now, observe }: StoresParts,
  deleteKeys: KeyDeleter | undefined,
): KeptStores {
  const trail = memoryAuditTrail(trailCaps(config, now))
  const { adapter, readEntry, feed, close } = createMemoryAdapter({ now, keyPrefix, trail })
  const revocations = createStore({
    adapter,
    readEntry,
    deleteKeys,
    timeoutMs: config.storeTimeoutMs,
    observe,
  })
  return { revocations, feed, feedReader: feed, trail, checkHealth: memoryHealthCheck, close }
}

const noSessionStore: KeyDeleter = async () => {
  throw new ServiceError('session_store_unavailable', { reason: 'sessions' })
}

/** Absent where a commit deletes session data. */
function keyDeleterOf(
  { sessionData }: Links,
  { config, observe }: StoresParts,
): KeyDeleter | undefined {
  if (sessionData.place === 'none') return noSessionStore
  if (sessionData.place === 'with revocations') return undefined
  const { unlink } = sessionData
  return createKeyDeleter({ unlink, timeoutMs: config.storeTimeoutMs, observe })
}

/**
 * Tries a deletion in the external session store. The key is the template itself, which names no
 * session.
 */
async function checkSessionStore({ sessionData }: Links, { config }: StoresParts): Promise<void> {
  const [template] = config.issuers.flatMap(({ sessionKeys }) => sessionKeys)
  if (sessionData.place === 'external' && template !== undefined)
    await sessionData.unlink([template])
}
