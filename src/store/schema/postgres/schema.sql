-- heirloom's tables in PostgreSQL 12 or later, version 1. One row is one family: every refresh token that descends
-- from one issue. Nothing here redeems anything: of a token there is only the SHA-256 digest of its secret.
--
-- Run it in one transaction, in the schema that comes first on the search_path of heirloom's role;
-- PostgresStore::migrate does the same. That role needs
--     GRANT USAGE ON SCHEMA .. ; GRANT SELECT ON heirloom_schema ;
--     GRANT SELECT, INSERT, UPDATE, DELETE ON heirloom_families
-- and nothing else.

CREATE TABLE heirloom_schema (
    version integer NOT NULL
);
CREATE UNIQUE INDEX heirloom_schema_has_one_row ON heirloom_schema ((true));
INSERT INTO heirloom_schema (version) VALUES (1);

CREATE TABLE heirloom_families (
    id                       uuid           PRIMARY KEY,
    version                  bigint         NOT NULL,
    status                   text           NOT NULL,

    -- What the user consented to. Bytes compare, not languages. json and not jsonb: it may hold U+0000.
    subject                  text           COLLATE "C" NOT NULL,
    client                   text           COLLATE "C" NOT NULL,
    scope                    text           NOT NULL,
    resources                json           NOT NULL,
    attributes               json           NOT NULL,
    binding_method           text,
    binding_thumbprint       bytea,
    not_after                timestamptz(3),

    created_at               timestamptz(3) NOT NULL,
    expires_at               timestamptz(3),

    -- When and why it was ended; durations are milliseconds.
    revoked_at               timestamptz(3),
    reason                   text,
    revoked_by               bigint,
    reuse_generations_behind bigint,
    reuse_since_rotation     bigint,
    reuse_successor_used     boolean,

    -- The current token and what it replaced.
    generation               bigint         NOT NULL,
    digest                   bytea          NOT NULL,
    key_id                   smallint       NOT NULL,
    rotated_at               timestamptz(3) NOT NULL,
    used_at                  timestamptz(3) NOT NULL,
    idle_expires_at          timestamptz(3),
    predecessor_digest       bytea,
    predecessor_salt         bytea,
    predecessor_closed       boolean,

    -- When it ended or will end; never before its last use. The purge compares this.
    ends_at timestamptz(3) GENERATED ALWAYS AS (
        CASE WHEN coalesce(revoked_at, expires_at, idle_expires_at) IS NOT NULL
        THEN greatest(used_at, coalesce(revoked_at, least(expires_at, idle_expires_at))) END
    ) STORED,

    -- Its UTC day, which the purge finds by index. A refresh moves the idle end, and if an index held that instant,
    -- every refresh would write a new entry in every index. A day changes once a day: all other refreshes are
    -- heap-only (HOT). It is a column because an index on an expression counts as an index on its columns.
    ends_on date GENERATED ALWAYS AS (
        CASE WHEN coalesce(revoked_at, expires_at, idle_expires_at) IS NOT NULL
        THEN (greatest(used_at, coalesce(revoked_at, least(expires_at, idle_expires_at))) AT TIME ZONE 'UTC')::date END
    ) STORED,

    -- Whether the columns that a write replaces are possible. Writes demand it: no damage is repaired unseen, even where
    -- a check below was dropped.
    sound boolean GENERATED ALWAYS AS (
        version >= 1 AND key_id BETWEEN 0 AND 255
        AND rotated_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'
        AND used_at BETWEEN rotated_at AND '287396-10-12 08:59:00.991+00'
        AND (idle_expires_at IS NULL OR idle_expires_at > used_at)
        AND (idle_expires_at IS NULL OR idle_expires_at <= '287396-10-12 08:59:00.991+00')
        AND num_nulls(predecessor_digest, predecessor_salt, predecessor_closed) = CASE generation WHEN 0 THEN 3 ELSE 0 END
        AND (generation = 0 OR (octet_length(predecessor_digest) = 32 AND octet_length(predecessor_salt) = 16))
        AND (status <> 'live' OR num_nonnulls(revoked_at, reason, revoked_by, reuse_generations_behind,
                                              reuse_since_rotation, reuse_successor_used) = 0)
    ) STORED,

    -- Whether what the user consented to is of its form, as far as a pattern tells (a word that is twice in a scope, a key
    -- that is twice in an object, are told when the row is read). Computed when one of its columns is written, not by refreshes.
    grant_sound boolean GENERATED ALWAYS AS (
        subject <> '' AND subject !~ '[\u0001-\u001f\u007f-\u009f]'
        AND client <> '' AND client !~ '[\u0001-\u001f\u007f-\u009f]'
        AND scope ~ '^([\u0021\u0023-\u005b\u005d-\u007e]+( [\u0021\u0023-\u005b\u005d-\u007e]+)*)?$'
        AND resources::text ~ '^\s*\[\s*("[A-Za-z][A-Za-z0-9+.-]*:([\u0021\u0024-\u005b\u005d-\u007e]|\\.)+"(\s*,\s*"[A-Za-z][A-Za-z0-9+.-]*:([\u0021\u0024-\u005b\u005d-\u007e]|\\.)+")*)?\s*\]\s*$'
        AND attributes::text ~ '^\s*\{\s*("([^"\\]|\\.)*"\s*:\s*"([^"\\]|\\.)*"(\s*,\s*"([^"\\]|\\.)*"\s*:\s*"([^"\\]|\\.)*")*)?\s*\}\s*$'
    ) STORED,

    -- A check bears the name of its column, and PostgresStore reports that one. Instants are 1970 to 2^53 - 1 ms.
    CONSTRAINT version CHECK (version BETWEEN 1 AND 9007199254740991),
    CONSTRAINT status CHECK (status IN ('live', 'revoked')),
    CONSTRAINT subject CHECK (subject <> ''),
    CONSTRAINT client CHECK (client <> ''),
    CONSTRAINT resources CHECK (json_typeof(resources) = 'array'),
    CONSTRAINT attributes CHECK (json_typeof(attributes) = 'object'),
    CONSTRAINT binding_method CHECK (binding_method IN ('jkt', 'x5t#S256')),
    CONSTRAINT binding_thumbprint CHECK (
        (binding_thumbprint IS NULL) = (binding_method IS NULL) AND octet_length(binding_thumbprint) = 32),
    CONSTRAINT not_after CHECK (
        not_after BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT created_at CHECK (
        created_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT expires_at CHECK (
        (not_after IS NULL OR (expires_at IS NOT NULL AND expires_at <= not_after))
        AND expires_at BETWEEN created_at AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT revoked_at CHECK (
        (revoked_at IS NULL) = (status <> 'revoked')
        AND revoked_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT reason CHECK (
        (reason IS NULL) = (status <> 'revoked')
        AND reason IN ('reuse', 'diverged', 'wrong_client', 'wrong_binding', 'client_request', 'logout',
                       'consent_withdrawn', 'credential_change', 'administrator')),
    CONSTRAINT revoked_by CHECK (
        (revoked_by IS NULL) = (status <> 'revoked') AND revoked_by BETWEEN 0 AND 9007199254740991),
    CONSTRAINT reuse_generations_behind CHECK (
        (reuse_generations_behind IS NULL) = (reason IS DISTINCT FROM 'reuse')
        AND reuse_generations_behind BETWEEN 0 AND 4294967295),
    CONSTRAINT reuse_since_rotation CHECK (
        (reuse_since_rotation IS NULL) = (reason IS DISTINCT FROM 'reuse')
        AND reuse_since_rotation BETWEEN 0 AND 9007199254740991),
    CONSTRAINT reuse_successor_used CHECK (
        (reuse_successor_used IS NULL) = (reason IS DISTINCT FROM 'reuse')),
    CONSTRAINT generation CHECK (generation BETWEEN 0 AND 4294967295),
    CONSTRAINT digest CHECK (octet_length(digest) = 32),
    CONSTRAINT key_id CHECK (key_id BETWEEN 0 AND 255),
    CONSTRAINT rotated_at CHECK (
        rotated_at BETWEEN '1970-01-01 00:00:00+00' AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT used_at CHECK (used_at BETWEEN rotated_at AND '287396-10-12 08:59:00.991+00'),
    CONSTRAINT idle_expires_at CHECK (
        idle_expires_at > used_at AND idle_expires_at <= '287396-10-12 08:59:00.991+00'),
    CONSTRAINT predecessor_digest CHECK (
        (predecessor_digest IS NULL) = (generation = 0) AND octet_length(predecessor_digest) = 32),
    CONSTRAINT predecessor_salt CHECK (
        (predecessor_salt IS NULL) = (predecessor_digest IS NULL) AND octet_length(predecessor_salt) = 16),
    CONSTRAINT predecessor_closed CHECK (
        (predecessor_closed IS NULL) = (predecessor_digest IS NULL))
)
-- Room in each page for the next versions of its rows: what heap-only updates need.
WITH (fillfactor = 80);

-- Selection by subject, by client, or by both; pages go by id.
CREATE INDEX heirloom_families_by_subject ON heirloom_families (subject, id);
CREATE INDEX heirloom_families_by_client ON heirloom_families (client, id);
CREATE INDEX heirloom_families_by_end ON heirloom_families (ends_on, id);

COMMENT ON TABLE heirloom_families IS 'Refresh-token families; written by heirloom only';
COMMENT ON COLUMN heirloom_families.version IS 'Counts writes, from 1';
COMMENT ON COLUMN heirloom_families.status IS 'live or revoked; a live one may have reached an end';
COMMENT ON COLUMN heirloom_families.expires_at IS 'The absolute end';
COMMENT ON COLUMN heirloom_families.idle_expires_at IS 'The end if it is not used';
COMMENT ON COLUMN heirloom_families.revoked_by IS 'Random, one for each call: tells a call that the write was its own';
COMMENT ON COLUMN heirloom_families.generation IS 'Of the current token: how often the family has rotated';
COMMENT ON COLUMN heirloom_families.digest IS 'SHA-256 of the current token''s secret';
COMMENT ON COLUMN heirloom_families.predecessor_closed IS 'A change of the grant has closed the leeway';
COMMENT ON COLUMN heirloom_families.sound IS 'Whether the columns that a write replaces are possible';
COMMENT ON COLUMN heirloom_families.grant_sound IS 'Whether subject to attributes are of their forms';
COMMENT ON COLUMN heirloom_families.ends_at IS 'When it ended or will end';
COMMENT ON COLUMN heirloom_families.ends_on IS 'The UTC day of ends_at';
