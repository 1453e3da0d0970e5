import { sessionsWord } from './cause.js'

/**
 * The commit: one script deletes the session data, if there is any here, max-merges every entry, appends one event per entry to the
 * feed, and what is to be told of it to the audit trail; its reply is the commit point. An expiry may only lengthen and a cutoff only
 * rise, so writes can be repeated and reordered without harm.
 *
 * Expiry goes to Redis as a remaining time: a Redis whose clock is off still keeps an entry for as long as it must.
 *
 * A feed that is not there (yet, or any more) begins a new history: its name under the second key tells everybody who followed the
 * old one that it is gone.
 *
 * What cannot be merged is met before anything is written, so that the others of a batch can be tried again by themselves.
 *
 * Session data that cannot be deleted is met before, too. Where memory is out, a deletion would let everything after it pass, so
 * something that needs memory comes first.
 *
 * A trail that cannot be written does not undo what is revoked: the reply is what is wrong with it, or nothing.
 *
 * KEYS: the feed, the name of its history, the audit trail, then one key per entry, then those of session data. ARGV: the feed's
 * length, a name for a new history, the trail's length, the number of entries, then per entry its name, the remaining time in
 * milliseconds (0: for ever), the absolute expiry for the event (empty: never), the mark, and the audit event (empty: none).
 */
export const commitScript = `
local feed, history, trail, last, fault = KEYS[1], KEYS[2], KEYS[3], 3 + tonumber(ARGV[4]), ''
for i = 4, last do
  local held = redis.call('GET', KEYS[i])
  if held and not tonumber(held) then return redis.error_reply('ERR unreadable') end
end
if redis.call('EXISTS', feed, history) < 2 then
  redis.call('SET', history, ARGV[2])
  redis.call('XADD', feed, '*', 'k', 'genesis')
end
if last < #KEYS then
  redis.call('APPEND', history, '')
  local gone = redis.pcall('UNLINK', unpack(KEYS, last + 1))
  if type(gone) == 'table' then return redis.error_reply('${sessionsWord} ' .. gone.err) end
end
for i = 4, last do
  local key, at = KEYS[i], 5 * (i - 4) + 5
  local name, ttl, till, mark, event = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local held = redis.call('GET', key)
  if held and tonumber(held) > tonumber(mark) then mark = held end
  local left = held and redis.call('PTTL', key) or -2
  if left == -1 or (left >= 0 and ttl > 0 and left >= ttl) then
    if mark ~= held then redis.call('SET', key, mark, 'KEEPTTL') end
  elseif ttl == 0 then redis.call('SET', key, mark)
  else redis.call('SET', key, mark, 'PX', ttl) end
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[1], '*', 'k', name, 'u', till, 'c', mark)
  if event ~= '' then
    local told = redis.pcall('XADD', trail, 'MAXLEN', '~', ARGV[3], '*', 'e', event)
    if type(told) == 'table' then fault = told.err end
  end
end
return fault
`

/**
 * Events of the feed as one JSON text, which is parsed at once; the client would parse each of the ten parts of an event by itself.
 * KEYS: the feed. ARGV: the first id, how many at most.
 */
export const pageScript = `
local page = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
return #page == 0 and '[]' or cjson.encode(page)
`

/**
 * Looks through some of the keys and returns the next cursor, then name, remaining time (-1: for ever) and mark of each revocation that
 * was met. ARGV: cursor, pattern of revocation keys, length of their prefix, how many keys to look at.
 */
export const scanScript = `
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[4])
local found = { page[1] }
for _, key in ipairs(page[2]) do
  local mark, left = redis.call('GET', key), redis.call('PTTL', key)
  if mark and left ~= -2 then
    found[#found + 1] = string.sub(key, ARGV[3] + 1)
    found[#found + 1] = tostring(left)
    found[#found + 1] = mark
  end
end
return found
`
