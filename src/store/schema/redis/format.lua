-- The format of the keys: this release's, if there is none or an earlier one that this release reads. KEYS: format. ARGV: this
-- release's, the earlier ones.
local found = redis.call('GET', KEYS[1])
for i = 2, #ARGV do
  if found == ARGV[i] then found = false end
end
if found then return found end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
