-- The commit: for each of several commits, in this order, counts the request, checks that the token
-- is not revoked, deletes session data that this Redis holds, merges every entry, appends one event
-- per entry to the feed, and appends the audit event to the trail. Its reply is the commit point.
--
-- KEYS, of the whole call:
--   1  the feed (a stream)
--   2  the name of the feed's epoch
--   3  the audit trail (a stream)
--   4  the version of the layout
-- KEYS, per commit, in this order:
--   the rate limit's window (none or one)
--   the keys of the token that must not be revoked
--   the entries
--   the session data to delete
--
-- ARGV, of the whole call:
--   1  how many events the feed keeps at least
--   2  a name for a new epoch
--   3  how many events the trail keeps at least
--   4  the version of the layout that this instance writes
--   5  the time by the clock of this instance, in milliseconds
--   6  how far that may be from the time of Redis, in milliseconds
--   7  1 if the caller waits for replicas, else 0
-- ARGV, per commit:
--   its numbers, in one argument with blanks between them, since each argument costs time at both
--   ends:
--     how many windows, token keys, entries and session keys it has (four numbers),
--     how many requests the window admits,
--     the length of the window in milliseconds,
--     1 if the instance knows that the token is revoked, else 0,
--     the time at which the token was issued, in seconds (empty: the token does not say)
--   the audit event (empty: none)
--   per entry, in one argument with blanks between them:
--     the expiry in milliseconds (empty: never)
--     the value: 1, or a cutoff in seconds
--
-- Reply, per commit, three values in a row:
--   stored, stored_without_audit, already_revoked, rate_limited, not_executed,
--     or the first word of the error, which is SESSIONS where session data could not be deleted, and
--     FOREIGN, followed by the key, for a value that cierre did not write
--   the count of the window (-1: nothing was counted)
--   the milliseconds until the window ends
-- An error reply stands for the whole call, and then nothing was counted or written. It begins with
-- LAYOUT, followed by the version found, where Redis holds another layout than that of this
-- instance; and with CLOCK, followed by how many milliseconds the clock of this instance is ahead,
-- where the two clocks differ by too much.

local feed, epoch, trail, layout = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local feedLength, newEpoch, trailLength, layoutVersion = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local callerMs, toleranceMs, isAwaited = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'

local time = redis.call('TIME')
local redisMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- What expires by the clock that is behind has expired by both.
local earliestMs = math.min(callerMs, redisMs)

-- Expiries and cutoffs come from the clock of the caller, and Redis removes keys by its own.
local function refusedClock()
  if math.abs(callerMs - redisMs) <= toleranceMs then return nil end
  return redis.error_reply(string.format('CLOCK %d', callerMs - redisMs))
end

-- A newer layout is left alone; raise-layout.lua raises an older one.
local function refusedLayout()
  local found = redis.call('GET', layout)
  if found == layoutVersion then return nil end
  if found then return redis.error_reply('LAYOUT ' .. found) end
  redis.call('SET', layout, layoutVersion)
  return nil
end

-- A feed that is missing begins a new epoch: followers of the old epoch see the new name and
-- resync. A call without commits also gives an event to a feed that was trimmed to nothing, since a
-- position is an event; a commit appends one anyway.
local function openFeed()
  local isThere = redis.call('EXISTS', feed, epoch) == 2
  if isThere and (#KEYS > 4 or redis.call('XLEN', feed) > 0) then return end
  if not isThere then redis.call('SET', epoch, newEpoch) end
  redis.call('XADD', feed, '*', 'k', 'genesis')
end

-- Counts are neither appended to the file nor replicated, so that a refused request waits for no
-- disk. A Redis that restarts or takes over starts counting at zero, or at the count of its snapshot.
local function withoutReplication(command, window, argument)
  redis.set_repl(redis.REPL_NONE)
  local reply = redis.pcall(command, window, argument)
  redis.set_repl(redis.REPL_ALL)
  return reply
end

local function addToCount(window, by)
  local count = withoutReplication('INCRBY', window, by)
  return type(count) == 'number' and count or -1
end

-- The count and the time left. A window that cannot be given an end counts nothing: -1.
local function countRequest(window, lengthMs)
  local count = addToCount(window, 1)
  if count < 0 then return -1, 0 end
  local leftMs = redis.pcall('PTTL', window)
  if leftMs == -1 then
    leftMs = withoutReplication('PEXPIRE', window, lengthMs) == 1 and tonumber(lengthMs)
  end
  if type(leftMs) == 'number' then return count, leftMs end
  return -1, 0
end

-- The value under a key. A value that cierre did not write is an error, never "not revoked".
local function valueOf(key)
  local value = redis.pcall('GET', key)
  if not value then return value end
  if type(value) == 'table' or #value > 16 or not string.find(value, '^%d+$') then
    error({ err = 'FOREIGN ' .. key })
  end
  return value
end

-- The rule "is revoked by" of src/revocation/entry.ts.
local function isRevokedBy(key, issuedAtS)
  local value = valueOf(key)
  if not value then return false end
  return not string.find(key, ':[un]:[^:]*$') or not issuedAtS or issuedAtS <= tonumber(value)
end

-- When memory is full, a deletion would free some, and Redis would let every later command pass. A
-- command that needs memory therefore comes first.
local function deleteSessionData(from, to)
  if from > to then return end
  redis.call('APPEND', epoch, '')
  local reply = redis.pcall('UNLINK', unpack(KEYS, from, to))
  if type(reply) == 'table' then error({ err = 'SESSIONS' }) end
end

-- The merge rule of src/revocation/entry.ts. The event comes before the entry: an event too many
-- does no harm to a set that only grows, but an entry without its event never reaches a guard. The
-- event has the expiry that the key gets by the clock of Redis, so that whatever is covered by the
-- key is covered by its event, too. What is there already (or ends a second earlier at most,
-- `covers`) has had its event; it is written again only for WAIT, which counts what its own
-- connection wrote.
local function merge(key, untilMs, value)
  local held = redis.call('GET', key)
  if held and tonumber(held) > tonumber(value) then value = held end
  local wantedMs = untilMs == '' and math.huge or tonumber(untilMs)
  local leftMs = held and redis.call('PTTL', key) or 0
  local heldMs = leftMs == -1 and math.huge or redisMs + leftMs
  if value == held and heldMs >= wantedMs - 1000 then
    if isAwaited then redis.call('SET', key, held, 'KEEPTTL') end
    return
  end
  local expiresMs = redisMs + math.max(1, wantedMs - earliestMs)
  local expiry = untilMs == '' and '' or string.format('%.0f', expiresMs)
  redis.call('XADD', feed, 'MAXLEN', '~', feedLength, '*',
    'k', string.match(key, '.:[^:]*$'), 'u', expiry, 'c', value)
  if heldMs >= expiresMs then
    if value ~= held then redis.call('SET', key, value, 'KEEPTTL') end
  elseif expiry == '' then redis.call('SET', key, value)
  else redis.call('SET', key, value, 'PXAT', expiry) end
end

-- A trail that cannot be written does not undo what is stored.
local function appendToTrail(event)
  if event == '' then return 'stored' end
  local reply = redis.pcall('XADD', trail, 'MAXLEN', '~', trailLength, '*', 'e', event)
  return type(reply) == 'table' and 'stored_without_audit' or 'stored'
end

-- first: the indexes in KEYS at which token keys, entries, session data and the next commit begin.
-- argument: the index in ARGV of the commit's numbers. Every entry is read before one is written,
-- so that an entry that cannot be merged fails its whole commit, and no other commit.
local function commit(first, argument, isKnownRevoked, issuedAtS)
  local isRevoked = isKnownRevoked
  for i = first.token, first.entry - 1 do
    isRevoked = isRevokedBy(KEYS[i], issuedAtS) or isRevoked
  end
  if isRevoked then return 'already_revoked' end
  for i = first.entry, first.session - 1 do valueOf(KEYS[i]) end
  deleteSessionData(first.session, first.next - 1)
  for i = first.entry, first.session - 1 do
    local numbers = ARGV[argument + 2 + i - first.entry]
    local untilMs, value = string.match(numbers, '^(%d*) (%d+)$')
    merge(KEYS[i], untilMs, value)
  end
  return appendToTrail(ARGV[argument + 1])
end

local function errorWord(thrown)
  local text = type(thrown) == 'table' and thrown.err or tostring(thrown)
  return string.match(text, 'FOREIGN %S+') or string.match(text, '%u%u+') or 'ERR'
end

-- Counts the request, if it has a window, and commits unless the window is full. The count is taken
-- back when the token is already revoked.
local function countAndCommit(first, argument, window, requests, lengthMs, isRevoked, issuedAtS)
  local count, leftMs = -1, 0
  if window then
    count, leftMs = countRequest(window, lengthMs)
    if count < 0 then return 'not_executed', count, leftMs end
    if count > tonumber(requests) then return 'rate_limited', count, leftMs end
  end
  local isDone, outcome = pcall(commit, first, argument, isRevoked, issuedAtS)
  if not isDone then outcome = errorWord(outcome) end
  if window and outcome == 'already_revoked' then addToCount(window, -1) end
  return outcome, count, leftMs
end

local refused = refusedClock() or refusedLayout()
if refused then return refused end
openFeed()

local numbersPattern = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%S*)$'
local replies, key, argument = {}, 5, 8
while ARGV[argument] do
  local windows, tokens, entries, sessions, requests, lengthMs, revoked, issued =
    string.match(ARGV[argument], numbersPattern)
  local first = { token = key + windows }
  first.entry = first.token + tokens
  first.session = first.entry + entries
  first.next = first.session + sessions
  local window = key < first.token and KEYS[key] or nil
  local outcome, count, leftMs =
    countAndCommit(first, argument, window, requests, lengthMs, revoked == '1', tonumber(issued))
  replies[#replies + 1] = outcome
  replies[#replies + 1] = count
  replies[#replies + 1] = leftMs
  key, argument = first.next, argument + 2 + entries
end
return replies
