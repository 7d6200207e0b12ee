-- Drops the entries of families that are gone, once they are so old that no creation is under way. KEYS: index. ARGV: the age in
-- milliseconds, the ids. An entry that a creation has just made stays.
local now = redis.call('TIME')
local before = string.format('%015.0f', now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[1]))
local dropped = 0
for i = 2, #ARGV do
  dropped = dropped + redis.call('ZREMRANGEBYLEX', KEYS[1], '[' .. ARGV[i] .. '@', '(' .. ARGV[i] .. '@' .. before)
end
return dropped
