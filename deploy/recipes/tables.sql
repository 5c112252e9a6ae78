-- What load.py keeps, and views that give each field its type. docs/topics.md says what each field means.

-- Every record as it came, once.
CREATE TABLE IF NOT EXISTS records (
    topic VARCHAR NOT NULL,         -- without the deployment's prefix
    "partition" INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    written TIMESTAMP,              -- Kafka's time of the record, UTC
    key VARCHAR,
    value JSON,                     -- NULL: a tombstone, or see `unreadable`
    unreadable VARCHAR,             -- what is no JSON, as it came
    PRIMARY KEY (topic, "partition", "offset")
);

-- The offset of each partition that comes next.
CREATE TABLE IF NOT EXISTS positions (
    topic VARCHAR NOT NULL,
    "partition" INTEGER NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (topic, "partition")
);

-- Every state that was read from Lofty.
CREATE OR REPLACE VIEW snapshot_log AS
SELECT
    "partition", "offset", written, key,
    value ->> 'connection' AS connection,
    value ->> 'lead' AS lead,
    value ->> 'kind' AS kind,
    value ->> 'id' AS id,
    value -> 'state' AS state,      -- Lofty's own JSON
    json_type(value, '$.state') = 'NULL' AS is_gone,
    (value ->> 'version_ms')::BIGINT AS version_ms,
    value ->> 'fingerprint' AS fingerprint,
    make_timestamp((value ->> 'read_ms')::BIGINT * 1000) AS read_at,
    coalesce(value ->> 'origin', 'webhook') AS origin
FROM records
WHERE topic = 'lofty.snapshots' AND json_type(value) = 'OBJECT';

-- The state of each entity now. A smaller version never replaces a greater one; nothing is wanted of a key after its tombstone.
CREATE OR REPLACE VIEW snapshots AS
SELECT s.*
FROM snapshot_log AS s
ANTI JOIN (
    SELECT key, "partition", max("offset") AS "offset"
    FROM records
    WHERE topic = 'lofty.snapshots' AND value IS NULL AND unreadable IS NULL
    GROUP BY key, "partition"
) AS t ON s.key = t.key AND s."partition" = t."partition" AND s."offset" < t."offset"
QUALIFY row_number() OVER (PARTITION BY s.key ORDER BY version_ms DESC, written DESC, s."offset" DESC) = 1;

-- Every result of a write to GHL. Fences, which workers write for each other, are left out.
CREATE OR REPLACE VIEW receipts AS
SELECT
    "partition", "offset", written, key,
    value ->> 'connection' AS connection,
    value ->> 'lead' AS lead,
    value ->> 'kind' AS kind,
    value ->> 'id' AS id,
    value ->> 'outcome' AS outcome,
    value ->> 'step' AS step,
    make_timestamp((value ->> 'at_ms')::BIGINT * 1000) AS answered,
    (value ->> 'version_ms')::BIGINT AS version_ms,
    coalesce(value ->> 'settled', '') AS settled,
    coalesce(value ->> 'fingerprint', '') AS fingerprint,
    value ->> 'ghl_id' AS ghl_id,
    value -> 'fields' AS fields,
    value -> 'refused' AS refused,
    (value ->> 'status')::INTEGER AS status,
    value ->> 'message' AS message,
    coalesce((value ->> 'is_deleted')::BOOLEAN, false) AS is_deleted,
    coalesce((value ->> 'is_forgotten')::BOOLEAN, false) AS is_forgotten,
    coalesce((value ->> 'is_gone')::BOOLEAN, false) AS is_gone,
    make_timestamp((value ->> 'accepted_ms')::BIGINT * 1000) AS accepted,
    coalesce((value ->> 'epoch')::BIGINT, 0) AS epoch
FROM records
WHERE topic = 'ghl.receipts' AND key <> '@fence' AND json_type(value) = 'OBJECT';
