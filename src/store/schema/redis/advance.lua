-- Replaces the head if the guard holds (S3). KEYS: family, ends. ARGV: the step, the 12 values of the condition (an empty
-- one leaves its comparison out), and the columns of the head.
local id, generation, digest, client, method, thumbprint, version, created_by, created_after, used_after, ends_after,
  grant_ends_after = unpack(ARGV, 5, 16)

local family, reply = read(KEYS[1], id)
if not family then return reply end

local function later(instant, bound) return bound == '' or after(instant, bound) end

local is_plain = not family.branches and family.displaced == '0' and (not family.kept_until or family.generation ~= '0')
local holds = family.status == 'live'
  and is_plain
  and family.generation == generation
  and family.digest == digest
  and family.client == client
  and (not family.binding_method or (family.binding_method == method and family.binding_thumbprint == thumbprint))
  and (version == '' or family.version == version)
  and not after(family.created_at, created_by)
  and later(family.created_at, created_after)
  and later(family.used_at, used_after)
  and later(family.expires_at, ends_after)
  and later(family.idle_expires_at, ends_after)
  and later(family.not_after, grant_ends_after)
if not holds then return reply end
return rewrite(family, reply, 17)
