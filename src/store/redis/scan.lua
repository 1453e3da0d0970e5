-- One step of a scan over all revocations: the next cursor, the time of Redis in milliseconds, then
-- per revocation its name, its remaining time in milliseconds (-1: for ever) and its value (empty:
-- it has another type). The time is read last, so that with it no remaining time comes to less than
-- the expiry of its key.
--
-- ARGV:
--   1  the cursor
--   2  the pattern of revocation keys
--   3  the length of the prefix that every name is returned without
--   4  how many keys to look at
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[4])
local reply = { page[1], '' }
for _, key in ipairs(page[2]) do
  local value, leftMs = redis.pcall('GET', key), redis.call('PTTL', key)
  -- -2: the key expired between the two commands.
  if value and leftMs ~= -2 then
    reply[#reply + 1] = string.sub(key, ARGV[3] + 1)
    reply[#reply + 1] = tostring(leftMs)
    reply[#reply + 1] = type(value) == 'string' and value or ''
  end
end
local time = redis.call('TIME')
reply[2] = time[1] .. string.sub('00000' .. time[2], -6, -4)
return reply
