-- Version 1 of a heirloom file (PRAGMA user_version). One row is one family; every change of it is one conditional
-- UPDATE. Instants are milliseconds since 1970: SELECT datetime(created_at / 1000, 'unixepoch').
-- Nothing here redeems anything: `digest` and `predecessor_digest` are SHA-256 of secrets, the salt is useless without
-- a key and the predecessor's token.

CREATE TABLE families (
    id                       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- UUIDv7
    version                  INTEGER NOT NULL CHECK (version >= 1), -- counts writes
    status                   TEXT    NOT NULL CHECK (status IN ('live', 'revoked')),

    -- What the user consented to.
    subject                  TEXT    NOT NULL,
    client                   TEXT    NOT NULL,
    scope                    TEXT    NOT NULL, -- words, separated by spaces
    resources                TEXT    NOT NULL, -- JSON list of URIs
    attributes               TEXT    NOT NULL, -- JSON object of strings
    binding_method           TEXT,             -- jkt or x5t#S256
    binding_thumbprint       BLOB CHECK (length(binding_thumbprint) = 32),
    not_after                INTEGER,

    created_at               INTEGER NOT NULL,
    expires_at               INTEGER,          -- the absolute end; never moves

    -- How it ended, if status is 'revoked'.
    revoked_at               INTEGER,
    reason                   TEXT,
    revoked_by               INTEGER,          -- random mark of the call
    reuse_generations_behind INTEGER,          -- the evidence, if the reason is 'reuse'
    reuse_since_rotation     INTEGER,          -- milliseconds
    reuse_successor_used     INTEGER,

    -- The head: the current token, and the one before.
    generation               INTEGER NOT NULL,
    digest                   BLOB    NOT NULL CHECK (length(digest) = 32),
    key_id                   INTEGER NOT NULL,
    rotated_at               INTEGER NOT NULL,
    used_at                  INTEGER NOT NULL,
    idle_expires_at          INTEGER,          -- slides with every use
    predecessor_digest       BLOB CHECK (length(predecessor_digest) = 32),
    predecessor_salt         BLOB CHECK (length(predecessor_salt) = 16),
    predecessor_closed       INTEGER,

    -- When it ended or will end, never before its last use; purge counts the retention from here.
    ended_at                 INTEGER GENERATED ALWAYS AS (
        max(used_at, coalesce(revoked_at,
            min(coalesce(expires_at, idle_expires_at), coalesce(idle_expires_at, expires_at))))
    ) VIRTUAL,

    CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((binding_method IS NULL) = (binding_thumbprint IS NULL)),
    CHECK ((generation = 0) = (predecessor_digest IS NULL))
) STRICT, WITHOUT ROWID;

-- Each is followed by the id, in which selections are ordered.
CREATE INDEX families_by_subject ON families (subject);
CREATE INDEX families_by_client ON families (client);
CREATE INDEX families_by_end ON families (ended_at) WHERE ended_at IS NOT NULL;
