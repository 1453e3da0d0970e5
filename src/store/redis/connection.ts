import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createClient, defaultReconnectStrategy, type RedisClientType } from '@keyv/redis'
import type { Logger } from 'pino'
import type { RedisConnection } from '../../config/redis.js'
import { withoutArguments } from '../../revocation/store-errors.js'

const pingEveryMs = 1_000
/**
 * A connection is replaced when it has not answered a ping, or finished its handshake, for this
 * long.
 */
const silentForMs = 5_000
const reconnectAtMostEveryMs = 1_000

export type RedisClient = RedisClientType

export type RedisLink = Readonly<{
  client: RedisClient
  /** Resolves when the first attempt to connect has ended, successfully or not. */
  firstAttempt: Promise<void>
  /** Replaces the connection, at most once a second. */
  reconnect: (why: string) => void
  /** Later connections use the user and password of this URL. */
  authenticateAs: (connection: RedisConnection) => void
  close: () => void
}>

/**
 * A client that connects and reconnects by itself. Without a connection its commands fail at once.
 */
export function connectRedis(connection: RedisConnection, log: Logger): RedisLink {
  const { url, caFile } = connection
  let credentials = credentialsOf(url)
  let reconnectedAtMs = -Infinity
  const tls = url.startsWith('rediss:')
    ? { tls: true as const, ...(caFile !== undefined && { ca: readFileSync(caFile) }) }
    : {}
  const client: RedisClient = createClient({
    url: withoutCredentials(url),
    credentialsProvider: {
      type: 'async-credentials-provider',
      credentials: async () => credentials,
    },
    disableOfflineQueue: true,
    commandsQueueMaxLength: 20_000,
    socket: { ...tls, reconnectStrategy: defaultReconnectStrategy, connectTimeout: silentForMs },
  })
  const firstAttempt = endOfFirstAttempt(client)
  const logError = logConnection(client, log, () => credentials.password)
  const connect = () => {
    client.connect().catch((error: unknown) => {
      if (client.isOpen) logError(error)
    })
  }
  const reconnect = (why: string) => {
    if (performance.now() - reconnectedAtMs < reconnectAtMostEveryMs) return
    reconnectedAtMs = performance.now()
    log.error(`cannot reach Redis, reconnecting: ${why}`)
    firstAttempt.end()
    client.destroy()
    connect()
  }
  connect()
  const stopWatching = watchSilence(client, () => reconnect('the connection is silent'))
  return {
    client,
    firstAttempt: firstAttempt.ended,
    reconnect,
    authenticateAs: (next) => (credentials = credentialsOf(next.url)),
    close() {
      stopWatching()
      if (client.isOpen) client.destroy()
    },
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

function endOfFirstAttempt(client: RedisClient): { ended: Promise<void>; end: () => void } {
  const abort = new AbortController()
  // `once` rejects on an error, and an error ends the attempt, too.
  const ended = once(client, 'ready', { signal: abort.signal }).then(
    () => undefined,
    () => undefined,
  )
  return { ended, end: () => abort.abort() }
}

/**
 * Logs connections and errors: one line for each kind of error, not one for each attempt.
 *
 * @returns a function that logs an error without the password: a server that does not know AUTH
 * quotes its arguments
 */
function logConnection(
  client: RedisClient,
  log: Logger,
  password: () => string | undefined,
): (error: unknown) => void {
  let lastMessage: string | undefined
  const logError = (error: unknown) => {
    const secret = password()
    const isQuoting =
      secret !== undefined && error instanceof Error && error.message.includes(secret)
    log.error({ err: isQuoting ? withoutArguments(error) : error }, 'cannot reach Redis')
  }
  client.on('error', (error: Error) => {
    if (lastMessage !== error.message) logError(error)
    lastMessage = error.message
  })
  client.on('ready', () => {
    log.info('redis connected')
    lastMessage = undefined
  })
  return logError
}

/**
 * Calls `onSilent` when a connection is open but silent. The client's own socket timeout does not
 * fire while commands are written, and TCP takes a quarter of an hour to notice a peer that
 * vanished.
 *
 * @returns a function that stops watching
 */
function watchSilence(client: RedisClient, onSilent: () => void): () => void {
  let waitingSinceMs: number | undefined
  const answer = () => (waitingSinceMs = undefined)
  client.on('connect', () => (waitingSinceMs ??= performance.now()))
  client.on('ready', answer)
  const timer = setInterval(() => {
    if (waitingSinceMs !== undefined && performance.now() - waitingSinceMs > silentForMs) {
      waitingSinceMs = undefined
      onSilent()
    } else if (client.isReady && waitingSinceMs === undefined) {
      waitingSinceMs = performance.now()
      // The client itself replaces a connection that breaks meanwhile.
      client.ping().then(answer, answer)
    }
  }, pingEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
