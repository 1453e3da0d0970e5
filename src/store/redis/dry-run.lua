-- Runs the commands of a commit without changing anything. It fails where a commit would fail: for
-- a missing permission, for replicas that Redis demands, or for a feed that is no stream.
--
-- KEYS:
--   1  the feed (a stream)
--   2  the name of the feed's epoch
--   3  a key that never exists
--   session data that never exists, one key for each template
local feed, epoch, missing = KEYS[1], KEYS[2], KEYS[3]
redis.call('XLEN', feed)
redis.call('GET', missing)
redis.call('PTTL', missing)
redis.call('SET', missing, '', 'XX')
redis.call('XADD', missing, 'NOMKSTREAM', '*', 'e', '')
redis.call('UNLINK', missing)
if #KEYS > 3 then
  -- Appending nothing is a write, too: no replica and no file needs it.
  redis.set_repl(redis.REPL_NONE)
  if redis.call('EXISTS', epoch) == 1 then redis.call('APPEND', epoch, '') end
  redis.set_repl(redis.REPL_ALL)
  redis.call('UNLINK', unpack(KEYS, 4))
end
