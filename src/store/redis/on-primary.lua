-- Stands before the scripts that read. A replica may lag without end, so nothing is read from one.

-- The error of a replica: it refuses this write, which would change nothing. Other refusals, such as
-- that of a full disk, do not concern a reader. Nothing is tried where the key is missing.
local function refusedByReplica(key, value)
  local reply = value and redis.pcall('SET', key, value, 'NX')
  if type(reply) == 'table' and reply.err and string.find(reply.err, 'READONLY') then
    return redis.error_reply('READONLY this Redis is a replica')
  end
end
