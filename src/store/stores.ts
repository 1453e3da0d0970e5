import type { Logger } from 'pino'
import type { AuditTrail } from '../audit/trail.js'
import type { Config } from '../config/config.js'
import type { FeedLog, FeedReader } from '../feed/feed-source.js'
import type { Store, StoreHealthCheck } from '../revocation/ports.js'
import type { TrailCaps } from './memory-audit-trail.js'
import type { ReconnectReason } from '../telemetry/metrics.js'
import type { Outage } from '../telemetry/outages.js'
import type { StoreObserver } from './store.js'

/** Everything that keeps bytes, on Redis or embedded. */
export type Stores = {
  revocations: Store
  feed: FeedLog
  feedReader: FeedReader
  trail: AuditTrail
  checkHealth: StoreHealthCheck
  /**
   * Rejects while a logout would fail for the store or the store of session data, or while the audit
   * trail cannot be trimmed.
   */
  check(of: 'store' | 'sessions' | 'audit'): Promise<void>
  /** The address of the Redis that it is connected to; `undefined` without one. */
  primary(): string | undefined
  /** Resolves when the first attempt of every connection has ended, successfully or not. */
  firstAttempts(): Promise<void>
  /** Later connections authenticate as this configuration says. */
  reload(config: Config): void
  close(): Promise<void>
}

/** Of the store and of the connection for the feed, and of the store of session data. */
export type StoreOutages = Readonly<Record<'store' | 'feed' | 'sessions', Outage>>

export type StoresParts = Readonly<{
  config: Config
  log: Logger
  now: () => number
  observe: StoreObserver
  outages: StoreOutages
  /** Called when a connection to Redis is replaced, or could not be made. */
  onReconnect?: (reason: ReconnectReason) => void
}>

/** The parts that differ between Redis and the embedded store. */
export type KeptStores = Pick<
  Stores,
  'revocations' | 'feed' | 'feedReader' | 'trail' | 'checkHealth'
> & { close(): void }

export const trailCaps = ({ audit }: Config, now: () => number): TrailCaps => ({
  maxEvents: audit.maxEvents,
  maxAgeMs: audit.maxAgeMs,
  now,
})
