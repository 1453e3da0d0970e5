/**
 * The commit: one script max-merges every entry of a request and appends one event per entry to the feed; its reply is the commit
 * point. An expiry may only lengthen and a cutoff only rise, so writes can be repeated and reordered without harm.
 *
 * Expiry goes to Redis as a remaining time: a Redis whose clock is off still keeps an entry for as long as it must.
 *
 * KEYS: the feed, then one key per entry. ARGV: the feed's length, then per entry its name, the remaining time in milliseconds
 * (0: for ever), the absolute expiry for the event (empty: never), and the mark.
 */
export const commitScript = `
local feed = KEYS[1]
if redis.call('EXISTS', feed) == 0 then redis.call('XADD', feed, '*', 'k', 'genesis') end
for i = 2, #KEYS do
  local key, at = KEYS[i], 4 * (i - 2) + 2
  local name, ttl, till, mark = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local held = redis.call('GET', key)
  if held and tonumber(held) > tonumber(mark) then mark = held end
  local left = held and redis.call('PTTL', key) or -2
  if left == -1 or (left >= 0 and ttl > 0 and left >= ttl) then
    if mark ~= held then redis.call('SET', key, mark, 'KEEPTTL') end
  elseif ttl == 0 then redis.call('SET', key, mark)
  else redis.call('SET', key, mark, 'PX', ttl) end
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[1], '*', 'k', name, 'u', till, 'c', mark)
end
return #KEYS - 1
`
