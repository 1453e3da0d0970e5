import { refusalOf, sessionsWord } from '../../revocation/store-errors.js'
import { valueOf } from '../../revocation/entry.js'
import { layoutVersion, layoutWord } from './layout.js'
import type { Commit, Committed, CommitReply } from '../../revocation/commit.js'

/**
 * The commit: one script which, for each of several, counts the request, asks whether the token is revoked, deletes the session data,
 * if there is any here, max-merges every entry, appends one event per entry to the feed, and what is to be told of it to the audit
 * trail; its reply is the commit point. An expiry may only lengthen and a cutoff only rise, so writes can be repeated and reordered
 * without harm.
 *
 * Expiry goes to Redis as a remaining time: a Redis whose clock is off still keeps an entry for as long as it must.
 *
 * A feed that is not there (yet, or any more) begins a new history: its name under the second key tells everybody who followed the
 * old one that it is gone. An error of the whole script comes from there or from before it, so that nothing has been counted.
 *
 * Counts are in the primary's memory alone: neither its file nor its replicas have them, so that a refusal waits for no disk. A Redis
 * that starts anew, or takes over, counts anew. A window that cannot be given an end counts nothing.
 *
 * What one commit has wrong is told in its place, and is no matter for the others: an entry that cannot be merged is met before one is
 * written, and so is session data that cannot be deleted. Where memory is out, a deletion would let everything after it pass, so
 * something that needs memory comes first.
 *
 * An event comes before its entry: one too many does no harm to a set that only grows, one too few would leave a guard in the dark.
 *
 * A trail that cannot be written does not undo what is revoked.
 *
 * Before anything else, the layout of what Redis holds is looked at: into a newer one, nothing is written. An older one, or none, is
 * raised to this one, so that older instances find out with their next command.
 *
 * KEYS: the feed, the name of its history, the audit trail, the layout, then per commit those of its window (one or none), of its token, of its
 * entries, and of session data. ARGV: the feed's length, a name for a new history, the trail's length, then per commit its numbers, the
 * audit event (empty: none), and the numbers of each entry. Numbers are one argument with blanks between them, for what an argument
 * costs it costs at both ends. Of a commit: how many keys of each of these four, how many requests the window has room for, the window
 * in milliseconds, `1` if the token is revoked anyway, when it was issued (empty: it cannot say). Of an entry: the remaining time in
 * milliseconds (0: for ever), the absolute expiry for the event (empty: never), the mark. The reply has, per commit, what became of it
 * or the first word of the error, the count (-1: none) and the milliseconds that the window has left.
 */
export const commitScript = `
local feed, history, trail = KEYS[1], KEYS[2], KEYS[3]
local layout = redis.call('GET', KEYS[4])
if layout ~= '${layoutVersion}' then
  if layout and (not string.find(layout, '^%d+$') or tonumber(layout) > ${layoutVersion}) then return redis.error_reply('${layoutWord} ' .. layout) end
  redis.call('SET', KEYS[4], '${layoutVersion}')
end
if redis.call('EXISTS', feed, history) < 2 then
  redis.call('SET', history, ARGV[2])
  redis.call('XADD', feed, '*', 'k', 'genesis')
end

local function add(window, by)
  redis.set_repl(redis.REPL_NONE)
  local count = redis.pcall('INCRBY', window, by)
  redis.set_repl(redis.REPL_ALL)
  return type(count) == 'number' and count or -1
end

local function count(window, lengthMs)
  local sum = add(window, 1)
  if sum < 0 then return -1, 0 end
  local left = redis.pcall('PTTL', window)
  if left == -1 then
    redis.set_repl(redis.REPL_NONE)
    left = redis.pcall('PEXPIRE', window, lengthMs) == 1 and tonumber(lengthMs)
    redis.set_repl(redis.REPL_ALL)
  end
  if type(left) == 'number' then return sum, left end
  return -1, 0
end

local function held(key)
  local mark = redis.call('GET', key)
  if mark and (#mark > 16 or not string.find(mark, '^%d+$')) then error({ err = 'ERR unreadable' }) end
  return mark
end

local function kills(key, issued)
  local mark = held(key)
  return mark and (not string.find(key, ':u:', 1, true) or not issued or issued <= tonumber(mark))
end

local function merge(key, ttl, till, mark)
  local before = redis.call('GET', key)
  if before and tonumber(before) > tonumber(mark) then mark = before end
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[1], '*', 'k', string.match(key, '.:[^:]*$'), 'u', till, 'c', mark)
  local left = before and redis.call('PTTL', key) or -2
  if left == -1 or (left >= 0 and ttl > 0 and left >= ttl) then
    if mark ~= before then redis.call('SET', key, mark, 'KEEPTTL') end
  elseif ttl == 0 then redis.call('SET', key, mark)
  else redis.call('SET', key, mark, 'PX', ttl) end
end

-- first: where the keys of the token, of the entries and of session data begin, and where they end; at: where its arguments do.
local function commit(first, at, isRevoked, issued)
  for i = first.token, first.entry - 1 do isRevoked = kills(KEYS[i], issued) or isRevoked end
  if isRevoked then return 'revoked' end
  for i = first.entry, first.gone - 1 do held(KEYS[i]) end
  if first.gone < first.after then
    redis.call('APPEND', history, '')
    if type(redis.pcall('UNLINK', unpack(KEYS, first.gone, first.after - 1))) == 'table' then error({ err = '${sessionsWord}' }) end
  end
  for i = first.entry, first.gone - 1 do
    local ttl, till, mark = string.match(ARGV[at + 2 + i - first.entry], '^(%d+) (%d*) (%d+)$')
    merge(KEYS[i], tonumber(ttl), till, mark)
  end
  local event = ARGV[at + 1]
  if event == '' or type(redis.pcall('XADD', trail, 'MAXLEN', '~', ARGV[3], '*', 'e', event)) ~= 'table' then return 'stored' end
  return 'unwitnessed'
end

local replies, key, at = {}, 5, 4
while ARGV[at] do
  local windows, tokens, entries, gone, room, lengthMs, revoked, issued = string.match(ARGV[at], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%S*)$')
  local first = { token = key + windows }
  first.entry = first.token + tokens
  first.gone = first.entry + entries
  first.after = first.gone + gone
  local isCounted, became, sum, left = key < first.token, nil, -1, 0
  if isCounted then
    sum, left = count(KEYS[key], lengthMs)
    if sum < 0 then became = 'uncounted' elseif sum > tonumber(room) then became = 'limited' end
  end
  if not became then
    local isDone
    isDone, became = pcall(commit, first, at, revoked == '1', tonumber(issued))
    if not isDone then became = string.match(type(became) == 'table' and became.err or tostring(became), '%u%u+') or 'ERR' end
    if isCounted and became == 'revoked' then add(KEYS[key], -1) end
  end
  replies[#replies + 1] = became
  replies[#replies + 1] = sum
  replies[#replies + 1] = left
  key, at = first.after, at + 2 + entries
end
return replies
`

/**
 * What a commit does, done to nothing: fails where a commit would, for want of a permission, of replicas that Redis demands, or of a feed
 * that is a stream. KEYS: the feed, and a key that is never there.
 */
export const rehearsalScript = `
local feed, nothing = KEYS[1], KEYS[2]
redis.call('XLEN', feed)
redis.call('GET', nothing)
redis.call('PTTL', nothing)
redis.call('SET', nothing, '', 'XX')
redis.call('XADD', nothing, 'NOMKSTREAM', '*', 'e', '')
redis.call('UNLINK', nothing)
`

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
  'unwitnessed',
  'revoked',
  'limited',
  'uncounted',
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
