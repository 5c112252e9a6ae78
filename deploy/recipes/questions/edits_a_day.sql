-- How many edits reach GHL each day (UTC), by connection and kind?
-- Edits of a moment are one: they are read and written together. `new` of them are new entities, `entities` is how many were edited.
SELECT
    connection,
    answered::DATE AS day,
    kind,
    count(DISTINCT (key, version_ms)) AS edits,
    count(DISTINCT key) FILTER (step LIKE 'create %') AS new,
    count(DISTINCT key) AS entities
FROM receipts
WHERE outcome = 'applied' AND settled <> ''
GROUP BY ALL
ORDER BY connection, day, kind;
