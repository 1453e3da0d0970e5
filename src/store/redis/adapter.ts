import KeyvRedis from '@keyv/redis'
import type { Commit } from '../../revocation/commit.js'
import { toKeyv, type CommitValue } from '../keyv.js'
import { layoutKey } from '../names.js'
import type { EntryReader } from '../store.js'
import type { Committer } from './commit.js'
import type { RedisClient } from './connection-attempt.js'
import { connectedClient, type RedisLink } from './connection.js'
import type { LayoutCheck } from './layout.js'

/**
 * Keyv's adapter for Redis, with the client of `connection.ts`. A command without a connection
 * fails at once.
 */
export class RedisAdapter extends KeyvRedis<string> {
  constructor(private readonly link: RedisLink) {
    super(link.client, { throwOnErrors: true })
  }

  // The original opens a connection and waits for it without a deadline.
  override async getClient() {
    return this.connected()
  }

  override async getMany<T>(keys: string[]) {
    return this.connected().sendCommand<T[]>(['MGET', ...keys])
  }

  // The original sends a transaction.
  override async deleteMany(keys: string[]) {
    return (await this.connected().sendCommand<number>(['UNLINK', ...keys])) > 0
  }

  private connected(): RedisClient {
    return connectedClient(this.link)
  }
}

/**
 * The adapter of revocations: a write is a commit, which may go over another connection than the
 * reads.
 */
export class RevocationAdapter extends RedisAdapter {
  constructor(
    link: RedisLink,
    private readonly committer: Pick<Committer, 'commitAll'>,
  ) {
    super(link)
  }

  override async set(key: string, value: unknown): Promise<void> {
    await this.setMany([{ key, value: value as Commit }])
  }

  override async setMany(values: CommitValue[]): Promise<void> {
    return toKeyv(await this.committer.commitAll(values.map(({ value }) => value)))
  }
}

type ReaderParts = Readonly<{ link: RedisLink; now: () => number; layout: LayoutCheck }>

/** Reads an entry with its absolute expiry, in one round trip. */
export const redisEntryReader =
  ({ link, now, layout }: ReaderParts): EntryReader =>
  async (key) => {
    const redis = connectedClient(link)
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
