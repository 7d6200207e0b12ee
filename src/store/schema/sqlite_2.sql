-- Version 2 of a heirloom file, from version 1: branches, displaced tokens, counted replays, adopted families.

-- A row that cannot be is refused when it is read, and stops no migration.
PRAGMA ignore_check_constraints = ON;

ALTER TABLE families ADD COLUMN kept_until INTEGER; -- the row stays at least until then, after its end too
ALTER TABLE families ADD COLUMN branches TEXT;      -- JSON object; NULL if a leeway has never forked
ALTER TABLE families ADD COLUMN branches_end_at INTEGER CHECK (branches IS NOT NULL OR branches_end_at IS NULL);
ALTER TABLE families ADD COLUMN displaced INTEGER NOT NULL DEFAULT 0 CHECK (generation > 0 OR displaced = 0);
ALTER TABLE families ADD COLUMN predecessor_replays INTEGER
    CHECK ((predecessor_replays IS NULL) = (predecessor_digest IS NULL));
ALTER TABLE families ADD COLUMN predecessor_displaced INTEGER
    CHECK ((predecessor_displaced IS NULL) = (predecessor_digest IS NULL));
UPDATE families SET predecessor_replays = 0, predecessor_displaced = 0 WHERE predecessor_digest IS NOT NULL;

-- The end, of other columns. Branches without an end of theirs have none, unless there are none that live.
DROP INDEX families_by_end;
ALTER TABLE families DROP COLUMN ended_at;
ALTER TABLE families ADD COLUMN ended_at INTEGER GENERATED ALWAYS AS (
    CASE
    WHEN revoked_at IS NOT NULL THEN max(used_at, revoked_at, coalesce(kept_until, 0))
    WHEN branches IS NOT NULL AND branches_end_at IS NULL AND instr(branches, '"live":[]') = 0 THEN NULL
    ELSE max(
        used_at,
        min(coalesce(expires_at, idle_expires_at), coalesce(idle_expires_at, expires_at)),
        coalesce(branches_end_at, 0),
        coalesce(kept_until, 0)
    ) END
) VIRTUAL;
CREATE INDEX families_by_end ON families (ended_at) WHERE ended_at IS NOT NULL;

PRAGMA ignore_check_constraints = OFF;
