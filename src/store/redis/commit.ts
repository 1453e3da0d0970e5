import { refusalOf } from '../../revocation/store-errors.js'
import { valueOf } from '../../revocation/entry.js'
import { readScript } from './scripts.js'
import type { Commit, Committed, CommitReply } from '../../revocation/commit.js'

export const commitScript = readScript('commit.lua')
export const dryRunScript = readScript('dry-run.lua')

/** KEYS and ARGV of the script, without those that are the same for all. */
export function encodeCommits(
  commits: readonly Commit[],
  { prefix, nowMs }: { prefix: string; nowMs: number },
): { keys: string[]; args: string[] } {
  const [keys, args]: [string[], string[]] = [[], []]
  for (const { entries, event, gone, terms } of commits) {
    const { window, keys: tokenKeys = [], issuedAtS, isRevoked = false } = terms ?? {}
    if (window !== undefined) keys.push(prefix + window.key)
    for (const key of tokenKeys) keys.push(prefix + key)
    const counts = `${window === undefined ? 0 : 1} ${tokenKeys.length} ${entries.length} ${gone.length}`
    args.push(
      `${counts} ${window?.requests ?? 0} ${window?.windowMs ?? 0} ${isRevoked ? 1 : 0} ${issuedAtS ?? ''}`,
      event,
    )
    for (const entry of entries) {
      const { key, untilMs } = entry
      keys.push(prefix + key)
      const remainingMs = untilMs === null ? 0 : Math.max(1, Math.ceil(untilMs - nowMs))
      // What ended before 1970 has ended.
      args.push(`${remainingMs} ${untilMs === null ? '' : Math.max(0, untilMs)} ${valueOf(entry)}`)
    }
    keys.push(...gone)
  }
  return { keys, args }
}

const outcomes = new Set<unknown>([
  'stored',
  'stored_without_audit',
  'already_revoked',
  'rate_limited',
  'not_executed',
] satisfies Committed['became'][])
const isOutcome = (became: unknown): became is Committed['became'] => outcomes.has(became)

/** The script's reply, for each commit. */
export function decodeReplies(reply: unknown): CommitReply[] {
  const parts = reply as (string | number)[]
  return Array.from({ length: parts.length / 3 }, (_, index) => {
    const [became, count, leftMs] = parts.slice(3 * index, 3 * index + 3)
    if (!isOutcome(became)) return { error: refusalOf(String(became)) }
    return {
      became,
      counted: Number(count) < 0 ? undefined : { count: Number(count), leftMs: Number(leftMs) },
    }
  })
}
