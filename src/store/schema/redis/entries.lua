-- The next entries of an index. KEYS: index. ARGV: where to begin, how many.
redis.call('ZREM', KEYS[1], '') -- Fails on a replica, which may lag.
return redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
