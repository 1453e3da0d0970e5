-- The version of the layout, the last event of the feed, and the time of Redis (seconds, and
-- microseconds of the second).
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
return { redis.call('GET', KEYS[1]), last, redis.call('TIME') }
