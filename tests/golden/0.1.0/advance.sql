-- Replaces the head if the guard holds: $1 to $12 are the condition, $13 to $21 the head.
--
-- The answer is the family and whether it was written; no row if there is no family. If the guard does not hold at the
-- beginning, the answer is the family of that moment: nothing is locked, and nothing is flushed. If it does, the update
-- waits for writers in flight and looks again; where it then finds that the guard no longer holds, only a lock shows
-- the family as it is now, because the snapshot is from before the wait.
WITH guarded AS MATERIALIZED (
    SELECT (
        sound AND grant_sound AND status = 'live' AND generation = $2 AND digest = $3 AND client = $4
        AND (binding_method IS NULL OR (binding_method = $5 AND binding_thumbprint = $6))
        AND ($7 IS NULL OR version = $7)
        AND created_at <= $8
        AND ($9 IS NULL OR created_at > $9)
        AND ($10 IS NULL OR used_at > $10)
        AND ($11 IS NULL OR ((expires_at IS NULL OR expires_at > $11) AND (idle_expires_at IS NULL OR idle_expires_at > $11)))
        AND ($12 IS NULL OR not_after IS NULL OR not_after > $12)
    ) IS TRUE AS holds
    FROM heirloom_families WHERE id = $1
), written AS (
    UPDATE heirloom_families
    SET version = version + 1, generation = $13, digest = $14, key_id = $15, rotated_at = $16, used_at = $17,
        idle_expires_at = $18, predecessor_digest = $19, predecessor_salt = $20, predecessor_closed = $21
    WHERE id = $1 AND (
        sound AND grant_sound AND status = 'live' AND generation = $2 AND digest = $3 AND client = $4
        AND (binding_method IS NULL OR (binding_method = $5 AND binding_thumbprint = $6))
        AND ($7 IS NULL OR version = $7)
        AND created_at <= $8
        AND ($9 IS NULL OR created_at > $9)
        AND ($10 IS NULL OR used_at > $10)
        AND ($11 IS NULL OR ((expires_at IS NULL OR expires_at > $11) AND (idle_expires_at IS NULL OR idle_expires_at > $11)))
        AND ($12 IS NULL OR not_after IS NULL OR not_after > $12)
    )
    RETURNING heirloom_families.*
), latest AS MATERIALIZED (
    SELECT * FROM heirloom_families
    WHERE id = $1 AND (SELECT holds FROM guarded) AND NOT EXISTS (SELECT FROM written)
    FOR SHARE
)
SELECT by_this_call,
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, generation, digest, key_id, rotated_at, used_at, idle_expires_at, predecessor_digest,
    predecessor_salt, predecessor_closed
FROM (
    SELECT true AS by_this_call, * FROM written
    UNION ALL
    SELECT false, * FROM latest
    UNION ALL
    SELECT false, * FROM heirloom_families WHERE id = $1 AND NOT (SELECT holds FROM guarded)
) AS answer
