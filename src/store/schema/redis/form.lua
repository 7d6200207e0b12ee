-- What a family may be, as Family::check and the decoder in Rust say it; put after write.lua.

local function integer(last)
  return function(text)
    return (text == '0' or string.find(text, '^[1-9]%d*$')) and #text <= 16 and tonumber(text) <= last
  end
end

local function bytes(length)
  return function(text) return #text == length end
end

local function flag(text) return text == '0' or text == '1' end

-- RFC 3629 section 4, as patterns of bytes; \0 ends a pattern in Lua 5.1, and is refused with all control characters.
local SEQUENCES = {
  '^[\194-\223][\128-\191]', '^\224[\160-\191][\128-\191]', '^[\225-\236\238\239][\128-\191][\128-\191]',
  '^\237[\128-\159][\128-\191]', '^\240[\144-\191][\128-\191][\128-\191]',
  '^[\241-\243][\128-\191][\128-\191][\128-\191]', '^\244[\128-\143][\128-\191][\128-\191]',
}

local function utf8(text)
  local at = string.find(text, '[\128-\255]')
  while at do
    local last
    for _, sequence in ipairs(SEQUENCES) do
      last = last or select(2, string.find(text, sequence, at))
    end
    if not last then return false end
    at = string.find(text, '[\128-\255]', last + 1)
  end
  return true
end

local function name(text)
  return text ~= '' and utf8(text) and not string.find(text, '[%z\1-\31\127]') and not string.find(text, '\194[\128-\159]')
end

-- Words, each once, separated by single spaces.
local function scope(text)
  if string.find(text, '[%z\1-\31"\\\127-\255]') then return false end
  if string.find(text, '^ ') or string.find(text, ' $') or string.find(text, '  ', 1, true) then return false end
  local seen = {}
  for word in string.gmatch(text, '[^ ]+') do
    if seen[word] then return false end
    seen[word] = true
  end
  return true
end

-- RFC 8707 section 2: an absolute URI without a fragment.
local function uri(text)
  return string.find(text, '^%a[%w+.%-]*:.') and not string.find(text, '[%z\1-\32#\127-\255]')
end

-- JSON of strings: a list, or a map by strings.
local function strings(first, key, fits)
  return function(text)
    if string.sub(text, 1, 1) ~= first or not utf8(text) or string.find(text, '[%z\1-\31]') then return false end
    if text == '[]' or text == '{}' then return true end
    local read, values = pcall(cjson.decode, text)
    if not read or type(values) ~= 'table' then return false end
    for index, value in pairs(values) do
      if type(index) ~= key or type(value) ~= 'string' or (fits and not fits(value)) then return false end
    end
    return true
  end
end

local STATUS = { live = true, revoked = true }
local REASON = {
  reuse = true, diverged = true, wrong_client = true, wrong_binding = true, client_request = true, logout = true,
  consent_withdrawn = true, credential_change = true, administrator = true,
}
local METHOD = { jkt = true, ['x5t#S256'] = true }

local function one_of(set)
  return function(text) return set[text] end
end

local exact, small = integer(LAST), integer(4294967295)

-- Each column: its name, its form, and the field whose presence demands it (itself: it may be absent; nil: it may not).
local COLUMNS = {
  { 'id', bytes(16) }, { 'version', exact }, { 'status', one_of(STATUS) }, { 'subject', name }, { 'client', name },
  { 'scope', scope }, { 'resources', strings('[', 'number', uri) }, { 'attributes', strings('{', 'string') },
  { 'binding_method', one_of(METHOD), 'binding_method' }, { 'binding_thumbprint', bytes(32), 'binding_method' },
  { 'not_after', exact, 'not_after' }, { 'created_at', exact }, { 'expires_at', exact, 'expires_at' },
  { 'revoked_at', exact, 'revoked' }, { 'reason', one_of(REASON), 'revoked' }, { 'revoked_by', exact, 'revoked' },
  { 'reuse_generations_behind', small, 'reuse' }, { 'reuse_since_rotation', exact, 'reuse' },
  { 'reuse_successor_used', flag, 'reuse' }, { 'generation', small }, { 'digest', bytes(32) }, { 'key_id', integer(255) },
  { 'rotated_at', exact }, { 'used_at', exact }, { 'idle_expires_at', exact, 'idle_expires_at' },
  { 'predecessor_digest', bytes(32), 'predecessor_digest' }, { 'predecessor_salt', bytes(16), 'predecessor_digest' },
  { 'predecessor_closed', flag, 'predecessor_digest' },
}

-- Whether an instant lies after another; one that is absent lies after all.
local function after(instant, other)
  return not instant or tonumber(instant) > tonumber(other)
end

-- The first column that cannot be; nil if the family is possible.
local function flaw(family)
  local present = { revoked = family.status == 'revoked', reuse = family.reason == 'reuse' }
  for _, column in ipairs(COLUMNS) do
    local field, demanded_by = family[column[1]], column[3]
    local demanded = not demanded_by or present[demanded_by] or (present[demanded_by] == nil and family[demanded_by])
    if (field and not demanded) or (demanded and demanded_by ~= column[1] and not field) then return column[1] end
    if field and not column[2](field) then return column[1] end
  end
  if family.version == '0' then return 'version' end
  if family.expires_at and after(family.created_at, family.expires_at) then return 'expires_at' end
  if family.not_after and (not family.expires_at or after(family.expires_at, family.not_after)) then return 'expires_at' end
  if after(family.rotated_at, family.used_at) then return 'used_at' end
  if not after(family.idle_expires_at, family.used_at) then return 'idle_expires_at' end
  if (family.predecessor_digest == nil) ~= (family.generation == '0') then return 'predecessor' end
end

-- Reads a family that is to be changed. Instead of one that is absent or impossible: what to reply.
local function read(key, id)
  local failure = on_primary(key)
  if failure then return nil, failure end
  local reply = stored(key)
  if reply.err or reply[1] == DAMAGED or #reply[2] == 0 then return nil, reply end
  local family, fields = {}, reply[2]
  for i = 1, #fields, 2 do family[fields[i]] = fields[i + 1] end
  local flawed = flaw(family)
  if not flawed and family.id ~= id then flawed = 'id' end
  if flawed then return nil, { DAMAGED, flawed, fields } end
  return family, reply
end

-- Writes a part of a family that was read, and counts its version up.
local function rewrite(family, reply, first)
  local version = tonumber(family.version) + 1
  if version > LAST then return { DAMAGED, 'version', reply[2] } end
  local rest = { 'version', decimal(version) }
  for i = first, #ARGV do rest[#rest + 1] = ARGV[i] end
  return write(family, KEYS[1], KEYS[2], { ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]) + 2 }, rest)
end
