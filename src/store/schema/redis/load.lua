-- Reads the families of one bucket (S2). KEYS: families. Reply: one for each.
local failure = on_primary(KEYS[1])
if failure then return failure end
local replies = {}
for i, key in ipairs(KEYS) do
  replies[i] = stored(key)
  if replies[i].err then return replies[i] end
end
return replies
