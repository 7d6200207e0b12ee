-- The format of the keys, written if there is none. KEYS: format. ARGV: this release's.
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
