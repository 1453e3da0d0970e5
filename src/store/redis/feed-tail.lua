-- The version of the layout, the last event of the feed, and the time of Redis (seconds, and
-- microseconds of the second).
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)

-- A replica may lag without end. It refuses this write, which would change nothing. Other refusals,
-- such as that of a full disk, do not concern a reader.
local layout = redis.call('GET', KEYS[1])
local reply = layout and redis.pcall('SET', KEYS[1], layout, 'NX')
if type(reply) == 'table' and reply.err and string.find(reply.err, 'READONLY') then
  return redis.error_reply('READONLY this Redis is a replica')
end

local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return { layout, last, redis.call('TIME') }
