-- A page of families by subject ($1), by client ($2), by both, or of all: from the id $3 on, at most $4, in order of id.
--
-- Each branch has an index that finds its page; the others are not run. One row always, as in load.sql.
SELECT pg_is_in_recovery(),
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, kept_until, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, branches, branches_end_at, generation, digest, key_id, rotated_at, used_at, idle_expires_at,
    predecessor_digest, predecessor_salt, predecessor_closed, displaced, predecessor_replays, predecessor_displaced
FROM (VALUES (1)) AS always
LEFT JOIN (
    (SELECT * FROM heirloom_families
     WHERE $2 IS NULL AND subject = $1 AND id >= $3 ORDER BY id LIMIT $4)
    UNION ALL
    (SELECT * FROM heirloom_families
     WHERE $1 IS NULL AND client = $2 AND id >= $3 ORDER BY id LIMIT $4)
    UNION ALL
    (SELECT * FROM heirloom_families
     WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND subject = $1 AND client = $2 AND id >= $3 ORDER BY id LIMIT $4)
    UNION ALL
    (SELECT * FROM heirloom_families
     WHERE $1 IS NULL AND $2 IS NULL AND id >= $3 ORDER BY id LIMIT $4)
) AS page ON true
ORDER BY id
