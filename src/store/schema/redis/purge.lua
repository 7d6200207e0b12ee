-- Removes families that are as they were when they were found due (S7). KEYS: ends, families. ARGV: for each family the text
-- of its id and its version, an empty one if it was absent. Reply: for each, whether it was removed.
local removed = {}
for i = 2, #KEYS do
  local id, version = ARGV[2 * i - 3], ARGV[2 * i - 2]
  removed[i - 1] = 0
  if version == '' then
    -- The server has let it go by itself.
    if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('ZREM', KEYS[1], id) end
  elseif redis.call('HGET', KEYS[i], 'version') == version then
    redis.call('ZREM', KEYS[1], id)
    redis.call('UNLINK', KEYS[i])
    removed[i - 1] = 1
  end
end
return removed
