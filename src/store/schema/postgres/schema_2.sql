
-- heirloom's tables in PostgreSQL, from version 1 to version 2: branches, displaced tokens, counted replays, adopted
-- families. Run it in one transaction, as the role that owns the tables; PostgresStore::migrate does the same.
--
-- The table is rewritten once, and meanwhile nobody reads or writes it. Nodes of heirloom 0.1.0 that run go on with the
-- families that they can know; the rules that keep them from the others are `sound`, and below.

UPDATE heirloom_schema SET version = 2;

ALTER TABLE heirloom_families
    DROP COLUMN sound,
    DROP COLUMN ends_at,
    DROP COLUMN ends_on,
    DROP CONSTRAINT IF EXISTS reason,

    -- Until when the row is kept at least, after its end too: an adopted family's.
    ADD COLUMN kept_until timestamptz(3),

    -- The other branches, if a leeway has ever forked, and when the last of them ends.
    ADD COLUMN branches json,
    ADD COLUMN branches_end_at timestamptz(3),

    -- More of the current token and what it replaced. A predecessor without these was written by a node of 0.1.0: it
    -- was replayed 0 times, as far as that is counted, and displaced nothing.
    ADD COLUMN displaced boolean NOT NULL DEFAULT false,
    ADD COLUMN predecessor_replays bigint,
    ADD COLUMN predecessor_displaced boolean;

ALTER TABLE heirloom_families
    -- When it ended or will end; never before its last use. The purge compares this. Branches without an end of theirs
    -- have none, unless there are none that live.
    ADD COLUMN ends_at timestamptz(3) GENERATED ALWAYS AS (
        CASE
        WHEN revoked_at IS NOT NULL THEN greatest(used_at, revoked_at, kept_until)
        WHEN coalesce(expires_at, idle_expires_at) IS NULL THEN NULL
        WHEN branches IS NOT NULL AND branches_end_at IS NULL AND branches::text !~ '"live"\s*:\s*\[\s*\]' THEN NULL
        ELSE greatest(used_at, least(expires_at, idle_expires_at), branches_end_at, kept_until) END
    ) STORED,

    -- Its UTC day, which the purge finds by index. A refresh moves the idle end, and if an index held that instant,
    -- every refresh would write a new entry in every index. A day changes once a day: all other refreshes are
    -- heap-only (HOT). It is a column because an index on an expression counts as an index on its columns.
    ADD COLUMN ends_on date GENERATED ALWAYS AS (
        (CASE
        WHEN revoked_at IS NOT NULL THEN greatest(used_at, revoked_at, kept_until)
        WHEN coalesce(expires_at, idle_expires_at) IS NULL THEN NULL
        WHEN branches IS NOT NULL AND branches_end_at IS NULL AND branches::text !~ '"live"\s*:\s*\[\s*\]' THEN NULL
        ELSE greatest(used_at, least(expires_at, idle_expires_at), branches_end_at, kept_until) END
        AT TIME ZONE 'UTC')::date
    ) STORED,

    -- Whether the columns that a write replaces are possible. Writes demand it: no damage is repaired unseen, even where
    -- a check below was dropped.
    ADD COLUMN whole boolean GENERATED ALWAYS AS (
        version >= 1 AND key_id BETWEEN 0 AND 255
        AND rotated_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'
        AND used_at BETWEEN rotated_at AND '287396-10-12 08:59:00.991+00'
        AND (idle_expires_at IS NULL OR idle_expires_at > used_at)
        AND (idle_expires_at IS NULL OR idle_expires_at <= '287396-10-12 08:59:00.991+00')
        AND num_nulls(predecessor_digest, predecessor_salt, predecessor_closed) = CASE generation WHEN 0 THEN 3 ELSE 0 END
        AND (generation = 0 OR (octet_length(predecessor_digest) = 32 AND octet_length(predecessor_salt) = 16))
        AND (predecessor_replays IS NULL OR (generation > 0 AND predecessor_replays BETWEEN 0 AND 4294967295))
        AND (predecessor_displaced IS NULL OR generation > 0)
        AND (generation > 0 OR NOT displaced)
        AND (kept_until IS NULL
             OR kept_until BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00')
        AND (branches IS NULL OR coalesce(
                json_typeof(branches -> 'made') = 'number' AND json_typeof(branches -> 'live') = 'array', false))
        AND (branches IS NOT NULL OR branches_end_at IS NULL)
        AND (status <> 'live' OR num_nonnulls(revoked_at, reason, revoked_by, reuse_generations_behind,
                                              reuse_since_rotation, reuse_successor_used) = 0)
    ) STORED,

    -- What nodes of 0.1.0 demand of a row before they write it: that it is whole, and one that they know all of.
    ADD COLUMN sound boolean GENERATED ALWAYS AS (
        version >= 1 AND key_id BETWEEN 0 AND 255
        AND rotated_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'
        AND used_at BETWEEN rotated_at AND '287396-10-12 08:59:00.991+00'
        AND (idle_expires_at IS NULL OR idle_expires_at > used_at)
        AND (idle_expires_at IS NULL OR idle_expires_at <= '287396-10-12 08:59:00.991+00')
        AND num_nulls(predecessor_digest, predecessor_salt, predecessor_closed) = CASE generation WHEN 0 THEN 3 ELSE 0 END
        AND (generation = 0 OR (octet_length(predecessor_digest) = 32 AND octet_length(predecessor_salt) = 16))
        AND (status <> 'live' OR num_nonnulls(revoked_at, reason, revoked_by, reuse_generations_behind,
                                              reuse_since_rotation, reuse_successor_used) = 0)
        AND num_nonnulls(branches, branches_end_at) = 0 AND NOT displaced
        AND coalesce(predecessor_replays, 0) = 0 AND coalesce(NOT predecessor_displaced, true)
        AND (kept_until IS NULL OR generation > 0)
    ) STORED,

    ADD CONSTRAINT kept_until CHECK (kept_until BETWEEN created_at AND '287396-10-12 08:59:00.991+00'),
    ADD CONSTRAINT reason CHECK (
        (reason IS NULL) = (status <> 'revoked')
        AND reason IN ('reuse', 'diverged', 'wrong_client', 'wrong_binding', 'client_request', 'logout',
                       'consent_withdrawn', 'credential_change', 'administrator', 'evicted', 'related_reuse', 'moved')),
    ADD CONSTRAINT branches CHECK (
        branches IS NULL OR coalesce(
            json_typeof(branches -> 'made') = 'number' AND json_typeof(branches -> 'live') = 'array', false)),
    ADD CONSTRAINT branches_end_at CHECK (
        (branches IS NOT NULL OR branches_end_at IS NULL)
        AND branches_end_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'),
    ADD CONSTRAINT displaced CHECK (generation > 0 OR NOT displaced),
    ADD CONSTRAINT predecessor_replays CHECK (
        (predecessor_digest IS NOT NULL OR predecessor_replays IS NULL)
        AND predecessor_replays BETWEEN 0 AND 4294967295),
    ADD CONSTRAINT predecessor_displaced CHECK (predecessor_digest IS NOT NULL OR predecessor_displaced IS NULL);

CREATE INDEX heirloom_families_by_end ON heirloom_families (ends_on, id);

COMMENT ON COLUMN heirloom_families.kept_until IS 'The row is kept at least until then';
COMMENT ON COLUMN heirloom_families.branches IS 'The branches beside the first; NULL if a leeway has never forked';
COMMENT ON COLUMN heirloom_families.branches_end_at IS 'When the last of the branches will end';
COMMENT ON COLUMN heirloom_families.displaced IS 'The current token took the place of an earlier successor';
COMMENT ON COLUMN heirloom_families.predecessor_replays IS 'How often it was presented again, as far as that is counted';
COMMENT ON COLUMN heirloom_families.predecessor_displaced IS 'What displaced was, when it was the current token';
COMMENT ON COLUMN heirloom_families.whole IS 'Whether the columns that a write replaces are possible';
COMMENT ON COLUMN heirloom_families.sound IS 'Whether nodes of heirloom 0.1.0 may write it';
COMMENT ON COLUMN heirloom_families.ends_at IS 'When it ended or will end';
COMMENT ON COLUMN heirloom_families.ends_on IS 'The UTC day of ends_at';
