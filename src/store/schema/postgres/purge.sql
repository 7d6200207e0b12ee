-- Removes those of the families $1 that are still as they were read, versions $2, and that ended before $3.
-- Locks are taken in one order, so that several purges do not wait for each other in a circle.
WITH due AS MATERIALIZED (
    SELECT id FROM heirloom_families
    JOIN unnest($1, $2) AS seen (id, version) USING (id, version)
    WHERE ends_at < $3
    ORDER BY id
    FOR UPDATE OF heirloom_families
), purged AS (
    DELETE FROM heirloom_families USING due WHERE heirloom_families.id = due.id
    RETURNING due.id
)
SELECT count(*) FROM purged
