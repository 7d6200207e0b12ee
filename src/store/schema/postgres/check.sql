-- What an opened store relies on. No row: no version is recorded.
SELECT version, pg_is_in_recovery(), current_setting('server_encoding'), current_setting('fsync'),
    current_setting('synchronous_commit')
FROM heirloom_schema
