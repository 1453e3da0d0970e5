-- The values of keys, read at one moment. A key that holds anything but digits, the first key
-- excepted, is an error: `MGET` answers nothing for a value of another type, which must not count
-- as "not revoked". The error is FOREIGN, followed by the key. Keys have expired too early where the
-- clock of Redis was set ahead: an error CLOCK, followed by how many milliseconds the clock of the
-- caller is ahead.
--
-- KEYS:
--   1  the version of the layout
--   the revocations
-- ARGV:
--   1  the time by the clock of the caller, in milliseconds
--   2  how far that may be from the time of Redis, in milliseconds
local time = redis.call('TIME')
local aheadMs = ARGV[1] - (tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
if math.abs(aheadMs) > tonumber(ARGV[2]) then
  return redis.error_reply(string.format('CLOCK %d', aheadMs))
end

local function foreign(key) return redis.error_reply('FOREIGN ' .. key) end

local values = redis.call('MGET', unpack(KEYS))
local refused = refusedByReplica(KEYS[1], values[1])
if refused then return refused end
local found = values[1] and 1 or 0
for i = 2, #KEYS do
  local value = values[i]
  if value then
    if #value > 16 or not string.find(value, '^%d+$') then return foreign(KEYS[i]) end
    found = found + 1
  end
end
if redis.call('EXISTS', unpack(KEYS)) == found then return values end
for i = 1, #KEYS do
  if not values[i] and redis.call('EXISTS', KEYS[i]) == 1 then return foreign(KEYS[i]) end
end
return values
