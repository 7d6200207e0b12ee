-- Ends a family, unless it has ended before (S4). KEYS: family, ends. ARGV: the step, the bytes of the id, and the columns
-- of the revocation.
local family, reply = read(KEYS[1], ARGV[5])
if not family or family.status == 'revoked' then return reply end
return rewrite(family, reply, 6)
