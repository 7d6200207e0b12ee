-- Some of the families of a bucket, whether they end or not, in no order. KEYS: ends. ARGV: cursor, about how many.
redis.call('ZREM', KEYS[1], '') -- Fails on a replica, which may lag.
return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
