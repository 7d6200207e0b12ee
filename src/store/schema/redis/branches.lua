-- What the column `branches` may hold, in the one spelling that Rust writes; put after form.lua.

local MOST = 31 -- Leeway::MAX_BRANCHES, less the first one.

-- Unpadded base64url of so many bytes, in quotes; the last character has no bit to spare.
local function base64(length, last)
  local form = '^"[%w_%-]+[' .. last .. ']"$'
  return function(text) return #text == math.ceil(length * 4 / 3) + 2 and string.find(text, form) end
end

local function truth(text) return text == 'false' or text == 'true' end

-- Each field of a branch: its name, its form, and whether it may be absent. Made only where there are branches.
local function fields_of_branch()
  local number, digest, salt = integer(65535), base64(32, 'AEIMQUYcgkosw048'), base64(16, 'AQgw')
  return {
    { 'number', number }, { 'origin', number }, { 'born', small }, { 'generation', small }, { 'digest', digest },
    { 'key_id', integer(255) }, { 'rotated_at', exact }, { 'used_at', exact }, { 'idle_expires_at', exact, true },
    { 'predecessor_digest', digest }, { 'predecessor_salt', salt }, { 'predecessor_closed', truth },
    { 'predecessor_replays', small }, { 'predecessor_displaced', truth }, { 'displaced', truth },
  }
end

-- Reads what stands before a value, and the value: returns it, and where it ends. Nil: something else is there.
local function labelled(text, at, label)
  if string.sub(text, at, at + #label - 1) ~= label then return nil end
  local value = string.match(text, '^[^,}]+', at + #label)
  return value, value and at + #label + #value
end

-- Reads one branch, and where it ends. Nil: it cannot be.
local function branch(text, at, expected)
  local fields, before = {}, '{'
  for _, field in ipairs(expected) do
    local value, past = labelled(text, at, before .. '"' .. field[1] .. '":')
    if value and not field[2](value) or not value and not field[3] then return nil end
    fields[field[1]], at, before = value, past or at, ','
  end
  local born, generation = tonumber(fields.born), tonumber(fields.generation)
  local possible = string.sub(text, at, at) == '}' and tonumber(fields.origin) < tonumber(fields.number)
    and born >= 1 and born <= generation
    and not after(fields.rotated_at, fields.used_at) and after(fields.idle_expires_at, fields.used_at)
  if possible then return fields, at + 1 end
end

-- Reads them all. Nil: they cannot be.
local function branches(text)
  local made, at = labelled(text, 1, '{"made":')
  if not made or made == '0' or not integer(65535)(made) then return nil end
  local live, last, expected = {}, 0, fields_of_branch()
  if string.sub(text, at, at + 8) ~= ',"live":[' then return nil end
  at = at + 9
  while string.sub(text, at) ~= ']}' do
    if #live > 0 then
      if string.sub(text, at, at) ~= ',' then return nil end
      at = at + 1
    end
    local one, past = branch(text, at, expected)
    if not one or #live == MOST or tonumber(one.number) <= last then return nil end
    live[#live + 1], last, at = one, tonumber(one.number), past
  end
  return last <= tonumber(made) and live
end

-- When the last of them ends; nil if one of them does not, or there are none.
local function end_of(live, expires_at)
  local last
  for _, one in ipairs(live) do
    local ends = ends_of(expires_at, one)
    if not ends then return nil end
    last = math.max(last or 0, ends)
  end
  return last and decimal(last)
end
