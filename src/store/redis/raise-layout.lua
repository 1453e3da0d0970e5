-- Raises the version of the layout, so that older instances find out with their next command. Does
-- nothing where another instance has raised it meanwhile.
--
-- KEYS:
--   1  the version of the layout
-- ARGV:
--   1  the version that the caller found
--   2  the version that the caller writes
local layout, found, version = KEYS[1], ARGV[1], ARGV[2]
if redis.call('GET', layout) == found then redis.call('SET', layout, version) end
