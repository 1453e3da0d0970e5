import { NotConnected, withoutArguments } from '../../revocation/store-errors.js'
import { createDeferred } from '../../runtime/deferred.js'
import { addressOf } from '../../runtime/network-address.js'
import type { RedisClient } from './client.js'
import { attemptConnection, type Attempt, type AttemptTarget } from './connection-attempt.js'
import type { ReconnectReason } from '../../telemetry/metrics.js'
import { reasonOf, reconnectReasons } from './reconnect-reasons.js'

const longestPauseMs = 1_000

/** Gets each connection, and each failure to keep or to make one, without the password. */
export type LinkReporter = Readonly<{
  connected(address: string): void
  failed(cause: unknown): void
  /** A connection that is open, but of no use, is replaced. */
  reconnecting(why: string): void
}>

export type RedisLink = Readonly<{
  /** The client of the present connection: another one after a reconnection. */
  readonly client: RedisClient
  /**
   * Does some work with the present connection. An answer that shows that this server is not the
   * primary any more replaces the connection, and so does an authority that does not name it.
   *
   * @throws NotConnected while there is no such connection; otherwise what the work throws
   */
  run<T>(work: (client: RedisClient) => Promise<T>): Promise<T>
  /**
   * Asks the authority, where there is one, whether this server is still the primary.
   *
   * @throws NotConnected when it is not, and without a connection
   */
  confirm(): Promise<void>
  /** How long ago the authority was asked that named this server; 0 where there is none. */
  confirmedAgoMs(): number
  /** Takes the first word of an error that a script has answered for one of several commits. */
  refused(word: string): void
  /** The server of the present connection; `undefined` without one. */
  address(): string | undefined
  /** How many connections have been ready so far. */
  connections(): number
  /** Resolves when the first attempt to connect has ended, successfully or not. */
  firstAttempt: Promise<void>
  /** Replaces the connection, after a pause. */
  reconnect(reason: ReconnectReason): void
  close(): void
}>

export type LinkParts = Readonly<{
  target: AttemptTarget
  /** Appears in the errors of servers that quote their arguments. */
  password: () => string | undefined
  reporter: LinkReporter
  onReconnect: (reason: ReconnectReason) => void
}>

/**
 * Connects, and reconnects by itself with back-off. Without a connection, commands fail at once.
 * Each connection has a client of its own: a client of node-redis that is destroyed and connected
 * again while its old retry sleeps keeps two connections.
 */
export function connectRedis(parts: LinkParts): RedisLink {
  const connection = keepReplaceable(parts)
  const { client, address, replace } = connection
  const { authority } = parts.target
  const confirm = async (withinMs?: number) => {
    const confirmed = address()
    if (confirmed === undefined) throw new NotConnected('no connection to Redis')
    const refusal = await authority?.confirm(confirmed, withinMs)
    if (address() !== confirmed) throw new NotConnected('the connection to Redis was replaced')
    if (refusal === undefined) return
    replace(refusal)
    throw new NotConnected(reconnectReasons[refusal])
  }
  const reconnect = (reason: ReconnectReason) => {
    // Otherwise a connection is being made already.
    if (address() !== undefined) replace(reason)
  }
  const refused = (word: string) => {
    const reason = reasonOf(word)
    if (reason !== undefined) reconnect(reason)
  }
  return {
    get client() {
      return client()
    },
    async run(work) {
      if (authority !== undefined) await confirm()
      const used = client()
      if (!used.isReady) throw new NotConnected('no connection to Redis')
      try {
        return await work(used)
      } catch (error) {
        if (client() === used && error instanceof Error) refused(error.message)
        throw error
      }
    },
    confirm: () => confirm(0),
    confirmedAgoMs: () => (authority === undefined ? 0 : authority.confirmedAgoMs(address() ?? '')),
    refused,
    address,
    connections: connection.connections,
    firstAttempt: connection.firstAttempt,
    reconnect,
    close: connection.close,
  }
}

/** Keeps a connection to the primary, which can be replaced. */
function keepReplaceable({ target, password, reporter, onReconnect }: LinkParts) {
  let connections = 0
  let address: string | undefined
  const first = createDeferred<void>()
  const lose = (reason: ReconnectReason) => {
    onReconnect(reason)
    address = undefined
    first.resolve()
  }
  const kept = keepConnected((retry) =>
    attemptConnection(target, {
      onReady(node) {
        connections += 1
        address = addressOf(node)
        retry.reset()
        reporter.connected(address)
        first.resolve()
      },
      onError: (error) => reporter.failed(withoutPassword(error, password())),
      onEnd() {
        lose(address === undefined ? 'failed' : 'closed')
        retry.start()
      },
      onSilent: () => replace('silent'),
    }),
  )
  const replace = (reason: ReconnectReason) => {
    const why = reconnectReasons[reason]
    reporter.failed(new Error(why))
    reporter.reconnecting(why)
    lose(reason)
    kept.replace()
  }
  return {
    client: kept.client,
    address: () => address,
    connections: () => connections,
    firstAttempt: first.promise,
    replace,
    close() {
      // An election that is under way must not replace a connection that is closed.
      address = undefined
      first.resolve()
      kept.close()
    },
  }
}

type Retry = Readonly<{
  /** Renews the connection after a back-off, with jitter against a thundering herd. */
  start: () => void
  /** A connection is ready. */
  reset: () => void
}>

/** Keeps one attempt, or its connection, at a time. */
function keepConnected(open: (retry: Retry) => Attempt) {
  let failures = 0
  let readyAtMs = Infinity
  let timer: NodeJS.Timeout | undefined
  const renew = () => {
    attempt.discard()
    attempt = open(retry)
  }
  const retry: Retry = {
    start() {
      // A server that is connected to and then refuses, again and again, is not asked without pause.
      if (performance.now() - readyAtMs > longestPauseMs) failures = 0
      readyAtMs = Infinity
      const pauseMs = Math.min(50 * 2 ** failures, longestPauseMs) * (0.5 + Math.random() / 2)
      failures += 1
      clearTimeout(timer)
      timer = setTimeout(renew, pauseMs)
    },
    reset: () => (readyAtMs = performance.now()),
  }
  let attempt = open(retry)
  return {
    client: () => attempt.client(),
    replace() {
      attempt.discard()
      retry.start()
    },
    close() {
      clearTimeout(timer)
      attempt.discard()
    },
  }
}

/** A server that does not know AUTH quotes its arguments. */
function withoutPassword(error: unknown, password: string | undefined): unknown {
  const message = error instanceof Error ? error.message : String(error)
  const isQuoting = password !== undefined && message.includes(password)
  return isQuoting ? withoutArguments(error) : error
}
