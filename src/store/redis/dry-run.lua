-- Runs the commands of a commit without changing anything. It fails where a commit would fail: for
-- a missing permission, for replicas that Redis demands, or for a feed that is no stream.
--
-- KEYS:
--   1  the feed (a stream)
--   2  a key that never exists
local feed, missing = KEYS[1], KEYS[2]
redis.call('XLEN', feed)
redis.call('GET', missing)
redis.call('PTTL', missing)
redis.call('SET', missing, '', 'XX')
redis.call('XADD', missing, 'NOMKSTREAM', '*', 'e', '')
redis.call('UNLINK', missing)
