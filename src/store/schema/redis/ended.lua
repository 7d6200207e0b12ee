-- The families of a bucket that ended before an instant, the first to end first. KEYS: ends. ARGV: the instant, how many to
-- pass over, how many.
redis.call('ZREM', KEYS[1], '') -- Fails on a replica, which may lag.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', ARGV[2], ARGV[3])
