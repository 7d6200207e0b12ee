-- Inserts a family if its id is free. One row if it was inserted, none if the id was taken.
INSERT INTO heirloom_families (
    id, version, status, subject, client, scope, resources, attributes, binding_method, binding_thumbprint, not_after,
    created_at, expires_at, kept_until, revoked_at, reason, revoked_by, reuse_generations_behind, reuse_since_rotation,
    reuse_successor_used, branches, branches_end_at, generation, digest, key_id, rotated_at, used_at, idle_expires_at,
    predecessor_digest, predecessor_salt, predecessor_closed, displaced, predecessor_replays, predecessor_displaced
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
    $27, $28, $29, $30, $31, $32, $33, $34
)
ON CONFLICT (id) DO NOTHING
RETURNING id
