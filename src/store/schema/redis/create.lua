-- Inserts a family if its id is free (S1). KEYS: family, ends. ARGV: the step, and the columns; before them `created_by`
-- and the mark of the call.
local row = { unpack(ARGV, 5) }
if redis.call('EXISTS', KEYS[1]) == 0 then
  write({}, KEYS[1], KEYS[2], ARGV, row)
  return { COMMITTED }
end

local failure = on_primary(KEYS[1])
if failure then return failure end

-- The same call, sent again by the client, is told by its mark: another one may have drawn the same random bytes.
local mark = redis.pcall('HGET', KEYS[1], 'created_by')
if mark == row[2] then return { COMMITTED } end
return { STORED }
