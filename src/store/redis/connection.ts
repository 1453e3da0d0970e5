import { readFileSync } from 'node:fs'
import { createClient, defaultReconnectStrategy, type RedisClientType } from '@keyv/redis'
import type { Logger } from 'pino'
import { withoutArguments } from '../../revocation/store-errors.js'
import type { RedisConnection } from '../../config/redis.js'

const pingEveryMs = 1_000
/** A connection that has not answered a ping, or not finished its greeting, for so long is given up. */
const silentForMs = 5_000
const renewAtMostEveryMs = 1_000

export type RedisClient = RedisClientType

/**
 * A client, and what may be done with its connection; `renew` makes a new one, at most once a second. `authenticateAs` gives the user and
 * password of another URL to the connections that follow. `tried` comes when the first attempt to connect has ended, well or not.
 */
export type RedisLink = Readonly<{
  client: RedisClient
  tried: Promise<void>
  renew: (why: string) => void
  authenticateAs: (connection: RedisConnection) => void
  close: () => void
}>

/**
 * A client that connects and reconnects by itself. While there is no connection its commands fail at once instead of queueing.
 */
export function connectRedis(connection: RedisConnection, log: Logger): RedisLink {
  const { url, caFile } = connection
  const tls = url.startsWith('rediss:')
    ? { tls: true as const, ...(caFile !== undefined && { ca: readFileSync(caFile) }) }
    : {}
  let credentials = credentialsOf(url)
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
  let down: string | undefined
  // A server that does not know AUTH quotes what came with it.
  const tell = (error: unknown) => {
    const isQuoting =
      credentials.password !== undefined &&
      error instanceof Error &&
      error.message.includes(credentials.password)
    log.error({ err: isQuoting ? withoutArguments(error) : error }, 'redis connection')
  }
  let endTry: () => void = () => undefined
  const tried = new Promise<void>((resolve) => (endTry = resolve))
  client.once('error', endTry).once('ready', endTry)
  client.on('error', (error: Error) => {
    // One line for each kind of trouble, not one for each attempt.
    if (down !== error.message) tell(error)
    down = error.message
  })
  client.on('ready', () => {
    log.info('redis connected')
    down = undefined
  })
  const connect = () => {
    client.connect().catch((error: unknown) => {
      if (client.isOpen) tell(error)
    })
  }
  connect()
  let renewedAtMs = -Infinity
  const renew = (why: string) => {
    if (performance.now() - renewedAtMs < renewAtMostEveryMs) return
    renewedAtMs = performance.now()
    log.error(`redis connection given up: ${why}`)
    endTry()
    client.destroy()
    connect()
  }
  const stopWatching = watch(client, () => renew('nothing is heard on it'))
  return {
    client,
    tried,
    renew,
    authenticateAs: (connection) => (credentials = credentialsOf(connection.url)),
    close() {
      stopWatching()
      if (client.isOpen) client.destroy()
    },
  }
}

function credentialsOf(url: string): { username?: string; password?: string } {
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

/**
 * Calls `giveUp` when a connection is open but silent. The client's own socket timeout never comes while commands are being written,
 * and TCP takes a quarter of an hour to notice a peer that vanished.
 */
function watch(client: RedisClient, giveUp: () => void): () => void {
  let waitingSinceMs: number | undefined
  client.on('connect', () => (waitingSinceMs ??= performance.now()))
  client.on('ready', () => (waitingSinceMs = undefined))
  const timer = setInterval(() => {
    if (waitingSinceMs !== undefined && performance.now() - waitingSinceMs > silentForMs) {
      waitingSinceMs = undefined
      giveUp()
    } else if (client.isReady && waitingSinceMs === undefined) {
      waitingSinceMs = performance.now()
      // A connection that breaks meanwhile is replaced by the client itself.
      client.ping().then(
        () => (waitingSinceMs = undefined),
        () => (waitingSinceMs = undefined),
      )
    }
  }, pingEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
