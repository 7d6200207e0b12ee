-- How a family is written; put after stored.lua. All checks come before the first write: what a script has written when it fails
-- stays written.

local LAST = 9007199254740991 -- 2^53 - 1: up to here a Lua number counts exactly.

local function decimal(number) return string.format('%.0f', number) end

-- Whether an instant lies after another; one that is absent lies after all.
local function after(instant, other)
  return not instant or tonumber(instant) > tonumber(other)
end

-- When a head's idle end or the absolute one comes, at the earliest its last use; nil if neither does.
local function ends_of(expires_at, head)
  local ends = math.min(tonumber(expires_at or math.huge), tonumber(head.idle_expires_at or math.huge))
  if ends < math.huge then return math.max(ends, tonumber(head.used_at)) end
end

-- When a family ends by what is stored; nil if it does not.
local function ended_at(family)
  local ends = ends_of(family.expires_at, family)
  if family.status == 'revoked' then
    ends = math.max(tonumber(family.revoked_at), tonumber(family.used_at))
  elseif family.branches and not string.find(family.branches, '"live":[]', 1, true) then
    -- The last of all branches to end; one that does not leaves no instant.
    ends = ends and family.branches_end_at and math.max(ends, tonumber(family.branches_end_at))
  end
  return ends and math.max(ends, tonumber(family.kept_until or 0))
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
