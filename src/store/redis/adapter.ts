import KeyvRedis from '@keyv/redis'
import type { Commit } from '../../revocation/commit.js'
import { toKeyv, type CommitValue } from '../keyv.js'
import { layoutKey } from '../names.js'
import type { EntryReader } from '../store.js'
import { clockWord, type ClockCheck } from './clock-check.js'
import type { Committer } from './commit.js'
import type { RedisLink } from './connection.js'
import { foreignValueOf, type ForeignValues } from './foreign-values.js'
import type { LayoutCheck } from './layout.js'
import { answerAfter, readScript, runScriptOn } from './scripts.js'

/**
 * Keyv's adapter of revocations. A command without a connection fails at once. A write is a commit,
 * which may go over another connection than the reads.
 */
export class RevocationAdapter extends KeyvRedis<string> {
  constructor(
    private readonly link: RedisLink,
    private readonly committer: Pick<Committer, 'commitAll'>,
    private readonly readValues: ValueReader,
  ) {
    super(link.client, { throwOnErrors: true })
  }

  // The original opens a connection and waits for it without a deadline.
  override async getClient() {
    return this.link.run(async (client) => client)
  }

  /** @param keys the first one is that of the layout */
  override async getMany<T>(keys: string[]) {
    return (await this.readValues(keys)) as T[]
  }

  override async set(key: string, value: unknown): Promise<void> {
    await this.setMany([{ key, value: value as Commit }])
  }

  override async setMany(values: CommitValue[]): Promise<void> {
    return toKeyv(await this.committer.commitAll(values.map(({ value }) => value)))
  }
}

/**
 * The values under keys of revocations. The first key is that of the layout.
 *
 * @throws (the function) ForeignValue, ClockDiffers
 */
export type ValueReader = (keys: string[]) => Promise<(string | null)[]>

const readValuesScript = readScript('on-primary.lua', 'read.lua')

export const redisValueReader =
  (link: RedisLink, foreign: ForeignValues, clock: ClockCheck): ValueReader =>
  async (keys) => {
    const times = [clock.now(), clock.toleranceMs].map(String)
    try {
      return (await runScriptOn(link, readValuesScript, keys, times)) as (string | null)[]
    } catch (error) {
      const aheadMs = answerAfter(error, clockWord)
      if (aheadMs !== undefined) clock.check(Number(aheadMs))
      const found = error instanceof Error ? foreignValueOf(error.message) : undefined
      throw found === undefined ? error : foreign.note(found)
    }
  }

type ReaderParts = Readonly<{
  link: RedisLink
  now: () => number
  layout: LayoutCheck
  readValues: ValueReader
}>

/** Reads an entry with its absolute expiry, in one round trip. */
export const redisEntryReader =
  ({ link, now, layout, readValues }: ReaderParts): EntryReader =>
  async (key) => {
    const [[found, value = null], leftMs] = await Promise.all([
      readValues([layoutKey, key]),
      readTtl(link, key),
    ])
    layout.check(found)
    // -2: the key expired between the two commands.
    return value === null || leftMs === -2
      ? undefined
      : { value, untilMs: leftMs === -1 ? null : now() + leftMs }
  }

const readTtl = (link: RedisLink, key: string) => link.run((client) => client.pTTL(key))
