-- The version of the layout, and the last event of the feed.
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)
return { redis.call('GET', KEYS[1]), redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1) }
