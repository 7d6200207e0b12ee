-- Replaces a whole family if it lives and its version is the expected one: $1 to $34 are the family, $35 the version.
--
-- The answer is the family and whether it was written, found as in advance.sql.
WITH guarded AS MATERIALIZED (
    SELECT (whole AND grant_sound AND status = 'live' AND version = $35) IS TRUE AS holds FROM heirloom_families WHERE id = $1
), written AS (
    UPDATE heirloom_families
    SET version = $2, status = $3, subject = $4, client = $5, scope = $6, resources = $7, attributes = $8,
        binding_method = $9, binding_thumbprint = $10, not_after = $11, created_at = $12, expires_at = $13,
        kept_until = $14, revoked_at = $15, reason = $16, revoked_by = $17, reuse_generations_behind = $18,
        reuse_since_rotation = $19, reuse_successor_used = $20, branches = $21, branches_end_at = $22, generation = $23,
        digest = $24, key_id = $25, rotated_at = $26, used_at = $27, idle_expires_at = $28, predecessor_digest = $29,
        predecessor_salt = $30, predecessor_closed = $31, displaced = $32, predecessor_replays = $33,
        predecessor_displaced = $34
    WHERE id = $1 AND whole AND grant_sound AND status = 'live' AND version = $35
    RETURNING heirloom_families.*
), latest AS MATERIALIZED (
    SELECT * FROM heirloom_families
    WHERE id = $1 AND (SELECT holds FROM guarded) AND NOT EXISTS (SELECT FROM written)
    FOR SHARE
)
SELECT by_this_call,
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, kept_until, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, branches, branches_end_at, generation, digest, key_id, rotated_at, used_at, idle_expires_at,
    predecessor_digest, predecessor_salt, predecessor_closed, displaced, predecessor_replays, predecessor_displaced
FROM (
    SELECT true AS by_this_call, * FROM written
    UNION ALL
    SELECT false, * FROM latest
    UNION ALL
    SELECT false, * FROM heirloom_families WHERE id = $1 AND NOT (SELECT holds FROM guarded)
) AS answer
