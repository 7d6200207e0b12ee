-- Inserts a family if its id is free (S1). KEYS: family, ends. ARGV: the step, and the columns.
local row = { unpack(ARGV, 5) }
if redis.call('EXISTS', KEYS[1]) == 0 then
  write({}, KEYS[1], KEYS[2], ARGV, row)
  return { COMMITTED }
end

local failure = on_primary(KEYS[1])
if failure then return failure end

-- The very same family is this creation, sent again by the client: no other can have its digest.
local reply = stored(KEYS[1])
if reply[1] ~= STORED or #reply[2] ~= tonumber(ARGV[4]) then return { STORED } end
local family = {}
for i = 1, #reply[2], 2 do family[reply[2][i]] = reply[2][i + 1] end
for i = 1, #reply[2], 2 do
  if family[row[i]] ~= row[i + 1] then return { STORED } end
end
return { COMMITTED }
