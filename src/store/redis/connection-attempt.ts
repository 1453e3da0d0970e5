import type { RedisNode } from '../../config/redis.js'
import { withDeadline } from '../../runtime/deadline.js'
import { createDeferred } from '../../runtime/deferred.js'
import type { Authority } from './authority.js'
import { newClient, type ClientOptions, type RedisClient } from './client.js'

const pingEveryMs = 1_000
/**
 * A connection is replaced when it has not answered a ping, or finished its handshake, for this
 * long.
 */
export const silentForMs = 5_000

export type Attempt = Readonly<{
  /** A client that is not connected, until the server has been checked. */
  client(): RedisClient
  /** Ends the connection, also one that is still being made. None of the callbacks follows. */
  discard(): void
}>

/** Which server to connect to, and how. */
export type AttemptTarget = Readonly<{
  addressOfPrimary(): Promise<RedisNode>
  /** Asks a new server something. @throws Error when it is the wrong one */
  check(client: RedisClient): Promise<void>
  optionsFor(node: RedisNode): ClientOptions
  authority?: Authority
}>

type ClientEvents = Readonly<{
  /** The server has been checked. */
  onReady: () => void
  onError: (error: unknown) => void
  /** The attempt has failed, or its connection is lost. */
  onEnd: () => void
  onSilent: () => void
}>

export type AttemptEvents = Omit<ClientEvents, 'onReady'> &
  Readonly<{ onReady: (node: RedisNode) => void }>

/** Finds the primary and connects a new client, which never reconnects by itself. */
export function attemptConnection(target: AttemptTarget, events: AttemptEvents): Attempt {
  const unconnected = newClient()
  let opened: ReturnType<typeof openClient> | undefined
  let isDiscarded = false
  const open = (node: RedisNode) => {
    if (isDiscarded) return
    const check = (client: RedisClient) => target.check(client)
    opened = openClient(target.optionsFor(node), check, {
      ...events,
      onReady: () => events.onReady(node),
    })
  }
  target.addressOfPrimary().then(open, (error: unknown) => {
    if (isDiscarded) return
    events.onError(error)
    events.onEnd()
  })
  return {
    client: () => opened?.client() ?? unconnected,
    discard() {
      isDiscarded = true
      opened?.discard()
    },
  }
}

function openClient(options: ClientOptions, check: AttemptTarget['check'], events: ClientEvents) {
  const client = newClient(options)
  let state: 'connecting' | 'connected' | 'ready' | 'ended' = 'connecting'
  const stopWatching = watchSilence(client, events.onSilent)
  const discard = () => {
    // A client that is destroyed before it has a socket would keep the one that it gets.
    const hasSocket = client.isOpen && (state === 'connected' || state === 'ready')
    stopWatching()
    state = 'ended'
    if (hasSocket) client.destroy()
  }
  const lose = (error?: unknown) => {
    if (state === 'ended') return
    if (error !== undefined) events.onError(error)
    discard()
    events.onEnd()
  }
  client.on('connect', () => {
    if (state === 'ended') client.destroy()
    else state = 'connected'
  })
  const onChecked = () => {
    if (state === 'ended' || !client.isReady) return
    state = 'ready'
    events.onReady()
  }
  // With TLS 1.3 the client is ready before the server refuses its certificate. Then the check fails
  // too, but the error of the connection says why.
  const onRefused = (error: unknown) => client.isReady && lose(error)
  client.on('ready', () => void check(client).then(onChecked, onRefused))
  client.on('error', (error: Error) => {
    if (state === 'ended') return
    events.onError(error)
    // A TLS socket may report a second error, of which the client hears nothing: it would end the
    // process (seen with Node 24, for a certificate that Redis refuses).
    if (state !== 'connecting' || !client.isOpen) lose()
  })
  client.connect().catch(() => lose())
  return { client: () => (state === 'ready' ? client : undefined), discard }
}

/**
 * Asks the primary something over a connection of its own.
 *
 * @throws Error also when it cannot be connected to, and when the time is up
 */
export async function askOnce<T>(
  target: AttemptTarget,
  ask: (client: RedisClient) => Promise<T>,
  ms: number,
): Promise<T> {
  const answer = createDeferred<T>()
  const check = async (client: RedisClient) => {
    await target.check(client)
    answer.resolve(await ask(client))
  }
  const fail = (error: unknown) => answer.reject(error)
  const attempt = attemptConnection(
    { ...target, check },
    {
      onReady: () => undefined,
      onError: fail,
      onEnd: () => fail(new Error('the connection was closed')),
      onSilent: () => fail(new Error(`no answer within ${silentForMs} ms`)),
    },
  )
  try {
    return await withDeadline(answer.promise, ms)
  } finally {
    attempt.discard()
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
