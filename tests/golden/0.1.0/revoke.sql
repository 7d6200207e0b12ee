-- Ends a family that lives: $2 to $7 are the revocation. The first one stays.
--
-- The answer is the family and whether it was written, found as in advance.sql.
WITH guarded AS MATERIALIZED (
    SELECT (sound AND grant_sound AND status = 'live') IS TRUE AS holds FROM heirloom_families WHERE id = $1
), written AS (
    UPDATE heirloom_families
    SET version = version + 1, status = 'revoked', revoked_at = $2, reason = $3, revoked_by = $4,
        reuse_generations_behind = $5, reuse_since_rotation = $6, reuse_successor_used = $7
    WHERE id = $1 AND sound AND grant_sound AND status = 'live'
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
