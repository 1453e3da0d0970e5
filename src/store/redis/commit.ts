import { randomUUID } from 'node:crypto'
import { isStored, type Commit, type CommitReply, type Outcome } from '../../revocation/commit.js'
import { valueOf } from '../../revocation/entry.js'
import {
  ForeignValue,
  RedisRefusal,
  refusalOf,
  withoutArguments,
} from '../../revocation/store-errors.js'
import { auditKey, epochKey, feedKey, keyPrefix, layoutKey } from '../names.js'
import { foreignValueOf, type ForeignValues } from './foreign-values.js'
import type { RedisClient } from './client.js'
import type { RedisLink } from './connection.js'
import { clockWord, type ClockCheck } from './clock-check.js'
import { createLayoutRaise, layoutVersion, layoutWord, type LayoutCheck } from './layout.js'
import { answerAfter, readScript, runScript } from './scripts.js'

/** The head of `commit.lua` describes its keys, arguments and reply. */
export const commitScript = readScript('commit.lua')
const dryRunScript = readScript('dry-run.lua')

/** Events that the feed keeps at least; Redis trims in whole nodes. */
const feedLength = '100000'

export type CommitterParts = Readonly<{
  writer: RedisLink
  layout: LayoutCheck
  clock: ClockCheck
  foreign: ForeignValues
  /** Events that the audit trail keeps at least. */
  trailLength: number
  minReplicas: number
  timeoutMs: number
  /** Templates of the session data that a commit deletes. */
  sessionKeys: readonly string[]
}>

/** Writes to Redis. */
export type Committer = Readonly<{
  /** Runs one script for all of the commits; a reply for each, in their order. */
  commitAll(commits: readonly Commit[]): Promise<CommitReply[]>
  /** Runs the script without a commit, which creates the feed where there is none. */
  begin(): Promise<void>
  /** @throws Error when a commit would fail */
  dryRun(): Promise<void>
}>

/** Runs `commit.lua`, once more when an older layout has been raised. */
function createRun({ layout, clock, minReplicas, trailLength }: CommitterParts) {
  const raiseLayout = createLayoutRaise()
  const runOnce = (client: RedisClient, keys: string[], args: string[]): Promise<unknown> =>
    runScript(
      client,
      commitScript,
      [feedKey, epochKey, auditKey, layoutKey, ...keys],
      [
        feedLength,
        randomUUID(),
        String(trailLength),
        String(layoutVersion),
        String(clock.now()),
        String(clock.toleranceMs),
        minReplicas > 0 ? '1' : '0',
        ...args,
      ],
    )
  return async (client: RedisClient, keys: string[], args: string[]): Promise<unknown> => {
    try {
      return await runOnce(client, keys, args)
    } catch (error) {
      const aheadMs = answerAfter(error, clockWord)
      if (aheadMs !== undefined) clock.check(Number(aheadMs))
      const found = answerAfter(error, layoutWord)
      if (found === undefined) throw error
      layout.check(found)
      await raiseLayout(client, found)
      return runOnce(client, keys, args)
    }
  }
}

export function createCommitter(parts: CommitterParts): Committer {
  const { writer, foreign, minReplicas, timeoutMs } = parts
  const run = createRun(parts)

  /** Nothing when enough replicas acknowledged in time; else the error. */
  const waitForReplicas = async (client: RedisClient, ms: number): Promise<Error | undefined> => {
    try {
      // WAIT takes a timeout of 0 as "for ever".
      const acknowledged = ms < 1 ? 0 : await client.wait(minReplicas, ms)
      if (acknowledged >= minReplicas) return undefined
      return new Error(`${acknowledged} of ${minReplicas} replicas acknowledged`)
    } catch (cause) {
      return new Error('replicas cannot be waited for', { cause: withoutArguments(cause) })
    }
  }

  const note = (reply: CommitReply) => {
    if (!('error' in reply)) return
    if (reply.error instanceof ForeignValue) foreign.note(reply.error)
    if (reply.error instanceof RedisRefusal) writer.refused(reply.error.word)
  }

  const commitAll = async (client: RedisClient, commits: readonly Commit[]) => {
    const begunAt = performance.now()
    const { keys, args } = encodeCommits(commits, keyPrefix)
    const replies = decodeReplies(await run(client, keys, args))
    for (const reply of replies) note(reply)
    if (minReplicas === 0 || !replies.some(isStoredReply)) return replies
    // The wait ends before the deadline, so that commits that stored nothing still get their
    // answer.
    const waitMs = Math.floor(0.9 * timeoutMs - (performance.now() - begunAt))
    const error = await waitForReplicas(client, waitMs)
    return replies.map((reply) => (error && isStoredReply(reply) ? { error } : reply))
  }

  return {
    commitAll: (commits) => writer.run((client) => commitAll(client, commits)),
    begin: async () => void (await writer.run((client) => run(client, [], []))),
    dryRun: () =>
      writer.run(async (client) => {
        await dryRun(client, parts.sessionKeys)
        // Zero replicas are there at once: this finds out whether the user may wait.
        if (minReplicas > 0) await client.wait(0, 1)
      }),
  }
}

/**
 * @param sessionKeys templates of the session data that a commit deletes; as keys, they name no
 * session
 * @throws Error when a commit would fail
 */
export async function dryRun(
  client: RedisClient,
  sessionKeys: readonly string[] = [],
): Promise<void> {
  const keys = [feedKey, epochKey, `${keyPrefix}nothing`, ...sessionKeys]
  await runScript(client, dryRunScript, keys, [])
}

const isStoredReply = (reply: CommitReply): boolean => 'outcome' in reply && isStored(reply.outcome)

/** KEYS and ARGV of the commits, without those that are the same for every call. */
export function encodeCommits(
  commits: readonly Commit[],
  prefix: string,
): { keys: string[]; args: string[] } {
  const [keys, args]: [string[], string[]] = [[], []]
  for (const commit of commits) {
    const { entries, preconditions, rateLimit } = commit
    if (rateLimit !== undefined) keys.push(prefix + rateLimit.key)
    if (preconditions !== undefined) for (const key of preconditions.keys) keys.push(prefix + key)
    args.push(numbersOf(commit), commit.auditEvent)
    for (const entry of entries) {
      const { key, untilMs } = entry
      keys.push(prefix + key)
      // The script takes digits only, so an expiry before 1970 becomes 0.
      const until = untilMs === null ? '' : Math.max(0, Math.ceil(untilMs))
      args.push(`${until} ${valueOf(entry)}`)
    }
    keys.push(...commit.sessionKeysToDelete)
  }
  return { keys, args }
}

function numbersOf({ entries, sessionKeysToDelete, preconditions, rateLimit }: Commit): string {
  const { keys = [], issuedAtS = '', isKnownRevoked = false } = preconditions ?? {}
  const { requests = 0, windowMs = 0 } = rateLimit ?? {}
  const windows = rateLimit === undefined ? 0 : 1
  const counts = `${windows} ${keys.length} ${entries.length} ${sessionKeysToDelete.length}`
  return `${counts} ${requests} ${windowMs} ${isKnownRevoked ? 1 : 0} ${issuedAtS}`
}

const outcomes = new Set<unknown>([
  'stored',
  'stored_without_audit',
  'already_revoked',
  'rate_limited',
  'not_executed',
] satisfies Outcome[])
const isOutcome = (word: unknown): word is Outcome => outcomes.has(word)

/** Decodes the reply of the script, which has three values for each commit. */
export function decodeReplies(reply: unknown): CommitReply[] {
  const values = reply as (string | number)[]
  const replies: CommitReply[] = []
  for (let index = 0; index + 2 < values.length; index += 3) {
    const [word, count, leftMs] = [values[index], Number(values[index + 1]), values[index + 2]]
    replies.push(
      isOutcome(word)
        ? { outcome: word, counted: count < 0 ? undefined : { count, leftMs: Number(leftMs) } }
        : { error: foreignValueOf(String(word)) ?? refusalOf(String(word)) },
    )
  }
  return replies
}
