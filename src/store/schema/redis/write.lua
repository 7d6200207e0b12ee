-- How a family is written; put after stored.lua. All checks come before the first write: what a script has written when it fails
-- stays written.

local LAST = 9007199254740991 -- 2^53 - 1: up to here a Lua number counts exactly.

local function decimal(number) return string.format('%.0f', number) end

-- When a family ends by what is stored, at the earliest its last use; nil if it does not.
local function ended_at(family)
  local ends = math.min(tonumber(family.expires_at or math.huge), tonumber(family.idle_expires_at or math.huge))
  if family.status == 'revoked' then ends = tonumber(family.revoked_at) end
  if ends < math.huge then return math.max(ends, tonumber(family.used_at)) end
end

-- Writes fields, erases others, and says anew when the family may go.
--
-- step: { text of the id, the host's now, how long to keep what has ended, how many of the rest are names and values };
-- what follows those are names to erase. The first command is the one that can fail, for its key or for memory.
local function write(family, key, ends, step, rest)
  local count, fields, erased = tonumber(step[4]), {}, {}
  for i = 1, count, 2 do
    family[rest[i]] = rest[i + 1]
    fields[i], fields[i + 1] = rest[i], rest[i + 1]
  end
  for i = count + 1, #rest do
    family[rest[i]] = nil
    erased[#erased + 1] = rest[i]
  end
  local ended = ended_at(family)
  redis.call('ZADD', ends, ended and decimal(ended) or '+inf', step[1])
  redis.call('HSET', key, unpack(fields))
  if #erased > 0 then redis.call('HDEL', key, unpack(erased)) end
  if ended then
    local left = math.max(ended - tonumber(step[2]), 0) + tonumber(step[3])
    redis.call('PEXPIRE', key, decimal(math.min(left, LAST)))
  else
    redis.call('PERSIST', key)
  end
  return { COMMITTED, redis.call('HGETALL', key) }
end
