-- Reads a family. One row always, so that a standby, which may lag, is told apart from a family that is not there.
SELECT pg_is_in_recovery(),
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, generation, digest, key_id, rotated_at, used_at, idle_expires_at, predecessor_digest,
    predecessor_salt, predecessor_closed
FROM (VALUES (1)) AS always
LEFT JOIN heirloom_families ON id = $1
