import { createClient, type RedisClientType } from '@keyv/redis'

const pingEveryMs = 1_000
/**
 * A connection is replaced when it has not answered a ping, or finished its handshake, for this
 * long.
 */
export const silentForMs = 5_000

export type RedisClient = RedisClientType

export type Attempt = Readonly<{
  client: RedisClient
  /** Ends the connection, also one that is still being made. None of the callbacks follows. */
  discard: () => void
}>

type AttemptEvents = Readonly<{
  /** The server has answered. */
  onReady: () => void
  onError: (error: unknown) => void
  /** The attempt has failed, or its connection is lost. */
  onEnd: () => void
  onSilent: () => void
}>

type ClientOptions = NonNullable<RedisClient['options']>

/** Connects a new client, which never reconnects by itself. */
export function attemptConnection(options: ClientOptions, events: AttemptEvents): Attempt {
  const client: RedisClient = createClient(options)
  let state: 'connecting' | 'connected' | 'ended' = 'connecting'
  const stopWatching = watchSilence(client, events.onSilent)
  const end = () => {
    stopWatching()
    state = 'ended'
  }
  const lose = () => {
    if (state === 'ended') return
    end()
    events.onEnd()
  }
  client.on('connect', () => {
    if (state === 'ended') client.destroy()
    else state = 'connected'
  })
  const onAnswer = () => {
    if (state !== 'ended' && client.isReady) events.onReady()
  }
  // With TLS 1.3 the client is ready before the server refuses its certificate.
  client.on('ready', () => void client.ping().then(onAnswer, onAnswer))
  client.on('error', (error: Error) => {
    if (state === 'ended') return
    events.onError(error)
    // A TLS socket may report a second error, of which the client hears nothing: it would end the
    // process (seen with Node 24, for a certificate that Redis refuses).
    if (state === 'connected' && client.isOpen) client.destroy()
    if (!client.isOpen) lose()
  })
  client.connect().catch(lose)
  return {
    client,
    discard() {
      // A client that is destroyed before it has a socket would keep the one that it gets.
      const hasSocket = state === 'connected'
      end()
      if (hasSocket) client.destroy()
    },
  }
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
      // A connection that breaks meanwhile is replaced for that reason.
      client.ping().then(answer, answer)
    }
  }, pingEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
