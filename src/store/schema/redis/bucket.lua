-- Some of the families of a bucket, whether they end or not, in no order. KEYS: ends. ARGV: cursor, about how many, the process
-- that gave the cursor. Reply: this process, whether it began anew, and the reply of ZSCAN.
redis.call('ZREM', KEYS[1], '') -- Fails on a replica, which may lag.
-- Each process has an order of its own: a place in that of another one, before a restart or a failover, would leave families out.
local process = string.match(redis.call('INFO', 'server'), 'run_id:(' .. string.rep('%x', 16) .. ')') or string.rep('0', 16)
local cursor = ARGV[1]
if ARGV[3] ~= process then cursor = '0' end
return { process, cursor, redis.call('ZSCAN', KEYS[1], cursor, 'COUNT', ARGV[2]) }
