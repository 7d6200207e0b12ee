-- What a family may be, as Family::check and the decoder in Rust say it; put after branches.lua.

-- Each column: its name, its form, and the field whose presence demands it (itself: it may be absent; nil: it may not).
local COLUMNS = {
  { 'id', bytes(16) }, { 'version', exact }, { 'status', one_of(STATUS) }, { 'subject', name }, { 'client', name },
  { 'scope', scope }, { 'resources', strings('[', 'number', uri) }, { 'attributes', strings('{', 'string') },
  { 'binding_method', one_of(METHOD), 'binding_method' }, { 'binding_thumbprint', bytes(32), 'binding_method' },
  { 'not_after', exact, 'not_after' }, { 'created_at', exact }, { 'expires_at', exact, 'expires_at' },
  { 'kept_until', exact, 'kept_until' },
  { 'revoked_at', exact, 'revoked' }, { 'reason', one_of(REASON), 'revoked' }, { 'revoked_by', exact, 'revoked' },
  { 'reuse_generations_behind', small, 'reuse' }, { 'reuse_since_rotation', exact, 'reuse' },
  { 'reuse_successor_used', flag, 'reuse' }, { 'branches', branches, 'branches' },
  { 'branches_end_at', exact, 'branches_end_at' }, { 'generation', small }, { 'digest', bytes(32) }, { 'key_id', integer(255) },
  { 'rotated_at', exact }, { 'used_at', exact }, { 'idle_expires_at', exact, 'idle_expires_at' },
  { 'predecessor_digest', bytes(32), 'predecessor_digest' }, { 'predecessor_salt', bytes(16), 'predecessor_digest' },
  { 'predecessor_closed', flag, 'predecessor_digest' }, { 'displaced', flag },
  { 'predecessor_replays', small, 'predecessor_digest' }, { 'predecessor_displaced', flag, 'predecessor_digest' },
}

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
  if family.kept_until and after(family.created_at, family.kept_until) then return 'kept_until' end
  if after(family.rotated_at, family.used_at) then return 'used_at' end
  if not after(family.idle_expires_at, family.used_at) then return 'idle_expires_at' end
  if (family.predecessor_digest == nil) ~= (family.generation == '0') then return 'predecessor' end
  if family.displaced == '1' and family.generation == '0' then return 'displaced' end
  local ends = family.branches and end_of(branches(family.branches), family.expires_at)
  if family.branches_end_at ~= ends then return 'branches_end_at' end
end

-- Reads a family that is to be changed. Instead of one that is absent or impossible: what to reply.
local function read(key, id)
  local failure = on_primary(key)
  if failure then return nil, failure end
  local reply = stored(key)
  if reply.err or reply[1] == DAMAGED or #reply[2] == 0 then return nil, reply end
  local family, fields = {}, reply[2]
  for i = 1, #fields, 2 do family[fields[i]] = fields[i + 1] end
  -- Fields that are 0 are not written.
  family.displaced = family.displaced or '0'
  if family.predecessor_digest then
    family.predecessor_replays = family.predecessor_replays or '0'
    family.predecessor_displaced = family.predecessor_displaced or '0'
  end
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
