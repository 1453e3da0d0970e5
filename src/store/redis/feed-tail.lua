-- The version of the layout, the last event of the feed, and the time of Redis (seconds, and
-- microseconds of the second).
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)

local layout = redis.call('GET', KEYS[1])
local refused = refusedByReplica(KEYS[1], layout)
if refused then return refused end

local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return { layout, last, redis.call('TIME') }
