import { randomUUID } from 'node:crypto'
import KeyvRedis from '@keyv/redis'
import { type Commit, type CommitReply, isStored } from '../../revocation/commit.js'
import { NotConnected, RedisRefusal, withoutArguments } from '../../revocation/store-errors.js'
import type { EntryReader } from '../store.js'
import { encodeCommits, decodeReplies, dryRunScript, commitScript } from './commit.js'
import type { RedisClient, RedisLink } from './connection.js'
import { layoutVersion, layoutWord, type LayoutCheck } from './layout.js'
import { runScript, answeredWith } from './scripts.js'
/** Events that the feed keeps at least; Redis trims in whole nodes. */
const feedLength = 100_000

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
  async dryRun(): Promise<void> {
    const { client } = this.writer
    await runScript(client, dryRunScript, [this.options.feed, `${this.options.prefix}nothing`], [])
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
        [String(feedLength), randomUUID(), String(trailLength), String(layoutVersion), ...args],
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
