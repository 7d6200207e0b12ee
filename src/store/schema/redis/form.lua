-- What a field may hold; put after write.lua.

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
  consent_withdrawn = true, credential_change = true, administrator = true, evicted = true, related_reuse = true, moved = true,
}
local METHOD = { jkt = true, ['x5t#S256'] = true }

local function one_of(set)
  return function(text) return set[text] end
end

local exact, small = integer(LAST), integer(4294967295)
