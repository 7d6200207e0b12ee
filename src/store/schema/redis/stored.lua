-- How scripts about families reply; put before each of them.
--
-- A family is a hash whose fields are the columns of record::columns: text, integers and instants in decimal, flags as 0 and 1,
-- or bytes. NULL is an absent field.

local COMMITTED, STORED, DAMAGED = 1, 0, 2

-- Fails on a replica, which may lag, and where writes are refused: deletes a field that no family has.
local function on_primary(key)
  local answer = redis.pcall('HDEL', key, '')
  if type(answer) == 'table' and not string.find(answer.err, 'WRONGTYPE', 1, true) then return answer end
end

-- The reply about a key as it is stored.
local function stored(key)
  local fields = redis.pcall('HGETALL', key)
  if not fields.err then return { STORED, fields } end
  if string.find(fields.err, 'WRONGTYPE', 1, true) then return { DAMAGED, 'record' } end
  return fields
end
