-- The version of the layout, events of the feed, and the time of Redis (seconds, and microseconds of
-- the second). The events are one JSON text, because the client would otherwise parse ten parts for
-- each of them.
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)
-- ARGV:
--   1  the id of the first event
--   2  how many events at most

local layout = redis.call('GET', KEYS[1])
local refused = refusedByReplica(KEYS[1], layout)
if refused then return refused end

local page = redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2])
local text = #page == 0 and '[]' or cjson.encode(page)
return { layout, text, redis.call('TIME') }
