-- The version of the layout, events of the feed as one JSON text, and the time of Redis (seconds,
-- and microseconds of the second). Without that text the
-- client would parse each of the ten parts of an event by itself.
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)
-- ARGV:
--   1  the id of the first event
--   2  how many events at most
local page = redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2])
local text = #page == 0 and '[]' or cjson.encode(page)
return { redis.call('GET', KEYS[1]), text, redis.call('TIME') }
