-- Replaces a whole family if it lives and its version is the expected one (S5). KEYS: family, ends. ARGV: the step, the bytes
-- of the id, the expected version, and the columns.
local family, reply = read(KEYS[1], ARGV[5])
if not family or family.status ~= 'live' or family.version ~= ARGV[6] then return reply end
if tonumber(family.version) >= LAST then return { DAMAGED, 'version', reply[2] } end
return write(family, KEYS[1], KEYS[2], ARGV, { unpack(ARGV, 7) })
