import { batched } from './batch.js'
import { withDeadline } from './deadline.js'
import type { RedisClient } from './redis.js'
import { runScript } from './scripts.js'

/** How often something was counted in the window that is open, and milliseconds until that closes. */
export type Counted = Readonly<{ count: number; leftMs: number }>

/**
 * Counts in fixed windows in Redis: the first count of a key opens a window, whose end forgets it. What one turn of the event loop
 * counts is one command. The counts are in the primary's memory alone, so that no logout waits for a disk twice; a Redis that starts
 * anew, or takes over, counts anew. Throws whatever the connection throws, and when time is up; what fails for one key fails for that
 * one alone.
 */
export type Windows = { add(key: string, by: 1 | -1): Promise<Counted> }

export function redisWindows(client: RedisClient, { windowMs, timeoutMs }: { windowMs: number; timeoutMs: number }): Windows {
  const adding = (by: 1 | -1) =>
    batched(async (keys: string[]) => {
      const counts = (await withDeadline(runScript(client, windowScript, keys, [String(windowMs), String(by)]), timeoutMs)) as (number | null)[]
      return keys.map((_, at) => ({ count: counts[2 * at], leftMs: counts[2 * at + 1] }))
      // Some of it may have been counted, and must not be counted again.
    }, { most: 64, mayBeOnes: () => false })
  const [up, down] = [adding(1), adding(-1)]
  return {
    add: (key, by) => (by === 1 ? up : down)(key).then(({ count, leftMs }) => {
      if (count == null || leftMs == null) throw new Error('redis did not count')
      return { count, leftMs }
    }),
  }
}

/**
 * KEYS: what is counted. ARGV: the window in milliseconds, what is added. Count and time left of each, in turn; nothing of a key that
 * cannot be counted, or whose window cannot be given an end.
 */
export const windowScript = `
redis.set_repl(redis.REPL_NONE)
local counts = {}
for i, key in ipairs(KEYS) do
  local count, left = redis.pcall('INCRBY', key, ARGV[2]), redis.pcall('PTTL', key)
  if left == -1 then left = redis.pcall('PEXPIRE', key, ARGV[1]) == 1 and tonumber(ARGV[1]) end
  local isCounted = type(count) == 'number' and type(left) == 'number'
  counts[2 * i - 1] = isCounted and count
  counts[2 * i] = isCounted and left
end
return counts
`
