import type { Commit, CommitReply, Outcome } from '../../revocation/commit.js'
import { valueOf } from '../../revocation/entry.js'
import { refusalOf } from '../../revocation/store-errors.js'
import { readScript } from './scripts.js'

/** The commit; the head of the file describes its keys, arguments and reply. */
export const commitScript = readScript('commit.lua')
/** Fails where a commit would fail, and changes nothing. */
export const dryRunScript = readScript('dry-run.lua')

/** KEYS and ARGV of the commits, without those that are the same for every call. */
export function encodeCommits(
  commits: readonly Commit[],
  { prefix, nowMs }: { prefix: string; nowMs: number },
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
      const remainingMs = untilMs === null ? 0 : Math.max(1, Math.ceil(untilMs - nowMs))
      // The event takes digits only, so an expiry before 1970 becomes 0.
      args.push(`${remainingMs} ${untilMs === null ? '' : Math.max(0, untilMs)} ${valueOf(entry)}`)
    }
    keys.push(...commit.sessionKeysToDelete)
  }
  return { keys, args }
}

function numbersOf({ entries, sessionKeysToDelete, preconditions, rateLimit }: Commit): string {
  const windows = rateLimit === undefined ? 0 : 1
  const counts = `${windows} ${preconditions?.keys.length ?? 0} ${entries.length} ${sessionKeysToDelete.length}`
  const limit = `${rateLimit?.requests ?? 0} ${rateLimit?.windowMs ?? 0}`
  return `${counts} ${limit} ${preconditions?.isKnownRevoked === true ? 1 : 0} ${preconditions?.issuedAtS ?? ''}`
}

const outcomes = new Set<unknown>([
  'stored',
  'stored_without_audit',
  'already_revoked',
  'rate_limited',
  'not_executed',
] satisfies Outcome[])
const isOutcome = (word: unknown): word is Outcome => outcomes.has(word)

/** The reply of the script, for each commit: three values in a row. */
export function decodeReplies(reply: unknown): CommitReply[] {
  const values = reply as (string | number)[]
  const replies: CommitReply[] = []
  for (let index = 0; index + 2 < values.length; index += 3) {
    const [word, count, leftMs] = [values[index], Number(values[index + 1]), values[index + 2]]
    replies.push(
      isOutcome(word)
        ? { outcome: word, counted: count < 0 ? undefined : { count, leftMs: Number(leftMs) } }
        : { error: refusalOf(String(word)) },
    )
  }
  return replies
}
