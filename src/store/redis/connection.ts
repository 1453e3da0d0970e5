import { readFileSync } from 'node:fs'
import type { RedisConnection } from '../../config/redis.js'
import { NotConnected, withoutArguments } from '../../revocation/store-errors.js'
import { createDeferred } from '../../runtime/deferred.js'
import {
  attemptConnection,
  silentForMs,
  type Attempt,
  type RedisClient,
} from './connection-attempt.js'

const reconnectAtMostEveryMs = 1_000
const longestPauseMs = 2_000

/** Gets each connection, and each failure to keep or to make one, without the password. */
export type LinkReporter = Readonly<{
  connected(): void
  failed(cause: unknown): void
  /** A connection that is open, but of no use, is replaced. */
  reconnecting(why: string): void
}>

export type RedisLink = Readonly<{
  /** The client of the present connection: another one after a reconnection. */
  readonly client: RedisClient
  /** How many connections have been ready so far. */
  connections: () => number
  /** Resolves when the first attempt to connect has ended, successfully or not. */
  firstAttempt: Promise<void>
  /** Replaces the connection, at most once a second. */
  reconnect: (why: string) => void
  /** Later connections use the user and password of this URL. */
  authenticateAs: (connection: RedisConnection) => void
  close: () => void
}>

/** @throws NotConnected while there is no connection */
export function connectedClient({ client }: RedisLink): RedisClient {
  if (!client.isReady) throw new NotConnected('no connection to Redis')
  return client
}

/**
 * Connects, and reconnects by itself with back-off. Without a connection, commands fail at once.
 * Each connection has a client of its own: a client of node-redis that is destroyed and connected
 * again while its old retry sleeps keeps two connections.
 */
export function connectRedis(connection: RedisConnection, reporter: LinkReporter): RedisLink {
  const settings = clientSettings(connection)
  let credentials = credentialsOf(connection.url)
  let connections = 0
  let reconnectedAtMs = -Infinity
  const report = (error: unknown) => reporter.failed(withoutPassword(error, credentials.password))
  const first = createDeferred<void>()
  const kept = keepConnected((retry) =>
    attemptConnection(
      {
        ...settings,
        credentialsProvider: {
          type: 'async-credentials-provider',
          credentials: async () => credentials,
        },
      },
      {
        onReady() {
          connections += 1
          retry.reset()
          reporter.connected()
          first.resolve()
        },
        onError: report,
        onEnd() {
          retry.start()
          first.resolve()
        },
        onSilent: () => reconnect('the connection is silent'),
      },
    ),
  )
  const reconnect = (why: string) => {
    if (performance.now() - reconnectedAtMs < reconnectAtMostEveryMs) return
    reconnectedAtMs = performance.now()
    reporter.failed(new Error(why))
    reporter.reconnecting(why)
    first.resolve()
    kept.renew()
  }
  return {
    get client() {
      return kept.client()
    },
    connections: () => connections,
    firstAttempt: first.promise,
    reconnect,
    authenticateAs: (next) => (credentials = credentialsOf(next.url)),
    close: kept.close,
  }
}

/** Connects once, and never again. `ready` rejects with the error of the attempt. */
export function connectOnce(connection: RedisConnection) {
  const made = createDeferred<Attempt>()
  const attempt: Attempt = attemptConnection(
    { ...clientSettings(connection), ...credentialsOf(connection.url) },
    {
      onReady: () => made.resolve(attempt),
      onError: made.reject,
      onEnd: () => made.reject(new Error('the connection was closed')),
      onSilent: () => made.reject(new Error(`no answer within ${silentForMs} ms`)),
    },
  )
  return { ready: made.promise, discard: attempt.discard }
}

type Retry = Readonly<{
  /** Renews the connection after a back-off, with jitter against a thundering herd. */
  start: () => void
  reset: () => void
}>

/** Keeps one attempt, or its connection, at a time. */
function keepConnected(open: (retry: Retry) => Attempt) {
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  const renew = () => {
    clearTimeout(timer)
    attempt.discard()
    attempt = open(retry)
  }
  const retry: Retry = {
    start() {
      timer = setTimeout(renew, Math.min(50 * 2 ** failures, longestPauseMs) + Math.random() * 200)
      failures += 1
    },
    reset: () => (failures = 0),
  }
  let attempt = open(retry)
  return {
    client: () => attempt.client,
    renew,
    close() {
      clearTimeout(timer)
      attempt.discard()
    },
  }
}

function clientSettings(connection: RedisConnection) {
  return {
    url: withoutCredentials(connection.url),
    disableOfflineQueue: true,
    commandsQueueMaxLength: 20_000,
    socket: {
      ...tlsOf(connection),
      reconnectStrategy: false as const,
      connectTimeout: silentForMs,
    },
  }
}

function tlsOf({ url, caFile, certFile, keyFile }: RedisConnection) {
  if (!url.startsWith('rediss:')) return {}
  return {
    tls: true as const,
    ...(caFile !== undefined && { ca: readFileSync(caFile) }),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
  }
}

type Credentials = { username?: string; password?: string }

function credentialsOf(url: string): Credentials {
  const [username, password] = [new URL(url).username, new URL(url).password].map(
    decodeURIComponent,
  )
  return { ...(username && { username }), ...(password && { password }) }
}

function withoutCredentials(url: string): string {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare.href
}

/** A server that does not know AUTH quotes its arguments. */
function withoutPassword(error: unknown, password: string | undefined): unknown {
  const message = error instanceof Error ? error.message : String(error)
  const isQuoting = password !== undefined && message.includes(password)
  return isQuoting ? withoutArguments(error) : error
}
