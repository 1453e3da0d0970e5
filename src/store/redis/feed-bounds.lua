-- The version of the layout, the first event of the feed, its last event, and the fields of XINFO
-- STREAM with their values.
--
-- KEYS:
--   1  the version of the layout
--   2  the feed (a stream)
local layout, feed = KEYS[1], KEYS[2]
if redis.call('EXISTS', feed) == 0 then return { redis.call('GET', layout), {}, {}, {} } end

local function oneEvent(command, from, to)
  return redis.call(command, feed, from, to, 'COUNT', 1)
end

return {
  redis.call('GET', layout),
  oneEvent('XRANGE', '-', '+'),
  oneEvent('XREVRANGE', '+', '-'),
  redis.call('XINFO', 'STREAM', feed),
}
