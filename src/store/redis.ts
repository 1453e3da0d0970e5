import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import KeyvRedis, {
  createClient,
  defaultReconnectStrategy,
  type RedisClientType,
} from '@keyv/redis'
import type { Logger } from 'pino'
import { NotConnected, RedisRefusal, withoutArguments } from './cause.js'
import {
  commitScript,
  decodeReplies,
  encodeCommits,
  isStored,
  rehearsalScript,
  type Commit,
  type CommitReply,
} from './commit.js'
import { layoutWord, type LayoutCheck } from './layout.js'
import { answeredWith, runScript } from './scripts.js'
import type { EntryReader } from './store.js'

export type RedisConnection = { url: string; caFile?: string | undefined }
export type RedisClient = RedisClientType

/** Events that the feed keeps at least; Redis trims in whole nodes. */
const feedLength = 100_000
const pingEveryMs = 1_000
/** A connection that has not answered a ping, or not finished its greeting, for so long is given up. */
const silentForMs = 5_000
const renewAtMostEveryMs = 1_000

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

/** Plain keys over a client of ours. A command without a connection fails at once. */
export class RedisAdapter extends KeyvRedis<string> {
  constructor(protected readonly redis: RedisClient) {
    super(redis, { throwOnErrors: true })
  }

  // The original opens a connection here and waits for it without end.
  override async getClient() {
    return this.connected() as never
  }

  override async getMany<T>(keys: string[]) {
    return this.connected().sendCommand<T[]>(['MGET', ...keys])
  }

  // The original makes a transaction of it.
  override async deleteMany(keys: string[]) {
    return (await this.connected().sendCommand<number>(['UNLINK', ...keys])) > 0
  }

  private connected(): RedisClient {
    if (!this.redis.isReady) throw new NotConnected('no connection to Redis')
    return this.redis
  }
}

/** An entry with its absolute expiry, in one round trip. */
export const redisEntryReader =
  ({
    redis,
    now,
    layoutKey,
    layout,
  }: {
    redis: RedisClient
    now: () => number
    layoutKey: string
    layout: LayoutCheck
  }): EntryReader =>
  async (key) => {
    if (!redis.isReady) throw new NotConnected('no connection to Redis')
    const [[mark = null, found], leftMs] = await Promise.all([
      redis.mGet([key, layoutKey]),
      redis.pTTL(key),
    ])
    layout.check(found)
    // -2: it expired between the two.
    return mark === null || leftMs === -2
      ? undefined
      : { mark, untilMs: leftMs === -1 ? null : now() + leftMs }
  }

type CommitOptions = Readonly<{
  feed: string
  history: string
  trail: string
  layoutKey: string
  layout: LayoutCheck
  trailLength: number
  /** What every key of ours begins with. */
  prefix: string
  now: () => number
  minReplicas: number
  timeoutMs: number
}>

/** Revocations over Redis: writing is the commit, over a connection that may be another than the one for reading. */
export class RevocationAdapter extends RedisAdapter {
  constructor(
    redis: RedisClient,
    private readonly writer: RedisLink,
    private readonly options: CommitOptions,
  ) {
    super(redis)
  }

  override async set(key: string, value: unknown): Promise<void> {
    await this.setMany([{ key, value: value as Commit }])
  }

  /** Commits all of it; Keyv hands on what became of each, or is wrong with it, though its types do not say so. */
  override async setMany(values: { key: string; value: Commit }[]): Promise<void & CommitReply[]> {
    const { prefix, now, minReplicas, timeoutMs } = this.options
    const begunAt = performance.now()
    const { keys, args } = encodeCommits(
      values.map(({ value }) => value),
      { prefix, nowMs: now() },
    )
    const replies = decodeReplies(await this.commit(keys, args))
    if (
      replies.some(
        (reply) =>
          'error' in reply && reply.error instanceof RedisRefusal && reply.error.word === readOnly,
      )
    )
      this.renewDemoted()
    if (minReplicas === 0 || !replies.some(isStored)) return replies as void & CommitReply[]
    // Within the deadline, so that those of which nothing is stored have their answer.
    const error = await this.faultOfReplicas(
      Math.floor(0.9 * timeoutMs - (performance.now() - begunAt)),
    )
    return replies.map((reply) => (error && isStored(reply) ? { error } : reply)) as void &
      CommitReply[]
  }

  private async faultOfReplicas(ms: number): Promise<Error | undefined> {
    const { minReplicas } = this.options
    // To Redis, 0 is for ever.
    const wait = ms < 1 ? Promise.resolve(0) : this.writer.client.wait(minReplicas, ms)
    return wait.then(
      (acknowledged) =>
        acknowledged < minReplicas
          ? new Error(`${acknowledged} of ${minReplicas} replicas acknowledged`)
          : undefined,
      (cause: unknown) =>
        new Error('replicas cannot be waited for', { cause: withoutArguments(cause) }),
    )
  }

  /** Commits nothing; after it there is a feed. */
  async begin(): Promise<void> {
    await this.commit([], [])
  }

  /** @throws Error when a commit would fail */
  async rehearse(): Promise<void> {
    const { client } = this.writer
    await runScript(
      client,
      rehearsalScript,
      [this.options.feed, `${this.options.prefix}nothing`],
      [],
    )
  }

  private async commit(keys: string[], args: string[]): Promise<unknown> {
    const { client } = this.writer
    if (!client.isReady) throw new NotConnected('no connection to Redis')
    const { feed, history, trail, layoutKey, layout, trailLength } = this.options
    try {
      return await runScript(
        client,
        commitScript,
        [feed, history, trail, layoutKey, ...keys],
        [String(feedLength), randomUUID(), String(trailLength), ...args],
      )
    } catch (error) {
      if (answeredWith(error, readOnly)) this.renewDemoted()
      if (answeredWith(error, `${layoutWord} `))
        layout.check((error as Error).message.slice(layoutWord.length + 1))
      throw error
    }
  }

  // A primary that was demoted keeps its connections; behind the same address there may be a new one.
  private renewDemoted(): void {
    this.writer.renew('it is a replica now')
  }
}

const readOnly = 'READONLY'
