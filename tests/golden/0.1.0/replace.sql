-- Replaces a whole family if it lives and its version is the expected one: $1 to $28 are the family, $29 the version.
--
-- The answer is the family and whether it was written, found as in advance.sql.
WITH guarded AS MATERIALIZED (
    SELECT (sound AND grant_sound AND status = 'live' AND version = $29) IS TRUE AS holds FROM heirloom_families WHERE id = $1
), written AS (
    UPDATE heirloom_families
    SET version = $2, status = $3, subject = $4, client = $5, scope = $6, resources = $7, attributes = $8,
        binding_method = $9, binding_thumbprint = $10, not_after = $11, created_at = $12, expires_at = $13,
        revoked_at = $14, reason = $15, revoked_by = $16, reuse_generations_behind = $17, reuse_since_rotation = $18,
        reuse_successor_used = $19, generation = $20, digest = $21, key_id = $22, rotated_at = $23, used_at = $24,
        idle_expires_at = $25, predecessor_digest = $26, predecessor_salt = $27, predecessor_closed = $28
    WHERE id = $1 AND sound AND grant_sound AND status = 'live' AND version = $29
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
