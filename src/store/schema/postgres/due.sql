-- The next families that ended before $1, in the order of the index, after the day $2 and the id $3, at most $4.
-- The last column is the day. One row always, as in load.sql.
SELECT pg_is_in_recovery(),
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, kept_until, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, branches, branches_end_at, generation, digest, key_id, rotated_at, used_at, idle_expires_at,
    predecessor_digest, predecessor_salt, predecessor_closed, displaced, predecessor_replays, predecessor_displaced,
    ends_on
FROM (VALUES (1)) AS always
LEFT JOIN (
    SELECT * FROM heirloom_families
    WHERE ends_on <= ($1 AT TIME ZONE 'UTC')::date AND ends_at < $1 AND (ends_on, id) > ($2, $3)
    ORDER BY ends_on, id LIMIT $4
) AS due ON true
ORDER BY ends_on, id
