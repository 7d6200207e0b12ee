-- Enters a family into an index. KEYS: index. ARGV: the text of the id, and 1 for: only if it has no entry.
-- An entry is the id and the server's time: all have one score, so that they are in the order of the ids.
local id = ARGV[1]
if ARGV[2] == '1' and redis.call('ZLEXCOUNT', KEYS[1], '[' .. id .. '@', '(' .. id .. 'A') > 0 then return 0 end
local now = redis.call('TIME')
return redis.call('ZADD', KEYS[1], 0, id .. '@' .. string.format('%015.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
