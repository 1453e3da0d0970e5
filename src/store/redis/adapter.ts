import { randomUUID } from 'node:crypto'
import KeyvRedis from '@keyv/redis'
import { isStored, type Commit, type CommitReply } from '../../revocation/commit.js'
import { NotConnected, RedisRefusal, withoutArguments } from '../../revocation/store-errors.js'
import { toKeyv, type CommitValue } from '../keyv.js'
import { auditKey, epochKey, feedKey, keyPrefix, layoutKey } from '../names.js'
import type { EntryReader } from '../store.js'
import { commitScript, decodeReplies, dryRunScript, encodeCommits } from './commit.js'
import type { RedisClient, RedisLink } from './connection.js'
import { layoutVersion, layoutWord, type LayoutCheck } from './layout.js'
import { answeredWith, runScript } from './scripts.js'

/** Events that the feed keeps at least; Redis trims in whole nodes. */
const feedLength = '100000'
const readOnlyWord = 'READONLY'

/** Keyv's adapter for Redis, over a client of ours. A command without a connection fails at once. */
export class RedisAdapter extends KeyvRedis<string> {
  constructor(protected readonly redis: RedisClient) {
    super(redis, { throwOnErrors: true })
  }

  // The original opens a connection and waits for it without a deadline.
  override async getClient() {
    return this.connected()
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

/** Reads an entry with its absolute expiry, in one round trip. */
export const redisEntryReader =
  ({
    redis,
    now,
    layout,
  }: {
    redis: RedisClient
    now: () => number
    layout: LayoutCheck
  }): EntryReader =>
  async (key) => {
    if (!redis.isReady) throw new NotConnected('no connection to Redis')
    const [[value = null, found], leftMs] = await Promise.all([
      redis.mGet([key, layoutKey]),
      redis.pTTL(key),
    ])
    layout.check(found)
    // -2: the key expired between the two commands.
    return value === null || leftMs === -2
      ? undefined
      : { value, untilMs: leftMs === -1 ? null : now() + leftMs }
  }

type CommitOptions = Readonly<{
  layout: LayoutCheck
  trailLength: number
  now: () => number
  minReplicas: number
  timeoutMs: number
}>

/** Revocations over Redis. A write is a commit, and may go over another connection than the reads. */
export class RevocationAdapter extends RedisAdapter {
  private readonly trailLength: string

  constructor(
    redis: RedisClient,
    private readonly writer: RedisLink,
    private readonly options: CommitOptions,
  ) {
    super(redis)
    this.trailLength = String(options.trailLength)
  }

  override async set(key: string, value: unknown): Promise<void> {
    await this.setMany([{ key, value: value as Commit }])
  }

  override async setMany(values: CommitValue[]): Promise<void> {
    return toKeyv(await this.commitAll(values.map(({ value }) => value)))
  }

  /** Commits nothing; after it there is a feed. */
  async begin(): Promise<void> {
    await this.run([], [])
  }

  /** @throws Error when a commit would fail */
  async dryRun(): Promise<void> {
    await runScript(this.writer.client, dryRunScript, [feedKey, `${keyPrefix}nothing`], [])
  }

  private async commitAll(commits: readonly Commit[]): Promise<CommitReply[]> {
    const { now, minReplicas, timeoutMs } = this.options
    const begunAt = performance.now()
    const { keys, args } = encodeCommits(commits, { prefix: keyPrefix, nowMs: now() })
    const replies = decodeReplies(await this.run(keys, args))
    if (replies.some(isReadOnly)) this.reconnectDemoted()
    if (minReplicas === 0 || !replies.some(isStoredReply)) return replies
    // Commits that stored nothing have their answer already, so the wait ends before the deadline.
    const waitMs = Math.floor(0.9 * timeoutMs - (performance.now() - begunAt))
    const error = await this.waitForReplicas(waitMs)
    return replies.map((reply) => (error && isStoredReply(reply) ? { error } : reply))
  }

  private async run(keys: string[], args: string[]): Promise<unknown> {
    const { client } = this.writer
    if (!client.isReady) throw new NotConnected('no connection to Redis')
    try {
      return await runScript(
        client,
        commitScript,
        [feedKey, epochKey, auditKey, layoutKey, ...keys],
        [feedLength, randomUUID(), this.trailLength, String(layoutVersion), ...args],
      )
    } catch (error) {
      if (answeredWith(error, readOnlyWord)) this.reconnectDemoted()
      if (answeredWith(error, `${layoutWord} `))
        this.options.layout.check((error as Error).message.slice(layoutWord.length + 1))
      throw error
    }
  }

  /** Nothing when enough replicas acknowledged in time; else the error. */
  private async waitForReplicas(ms: number): Promise<Error | undefined> {
    const { minReplicas } = this.options
    // WAIT takes a timeout of 0 as "for ever".
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

  // A demoted primary keeps its connections. The same address may lead to a new primary by now.
  private reconnectDemoted(): void {
    this.writer.reconnect('it is a replica now')
  }
}

const isReadOnly = (reply: CommitReply): boolean =>
  'error' in reply && reply.error instanceof RedisRefusal && reply.error.word === readOnlyWord
const isStoredReply = (reply: CommitReply): boolean => 'outcome' in reply && isStored(reply.outcome)
