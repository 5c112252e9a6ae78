-- How fresh is each agency: how long after Lofty's webhook was accepted was the change in GHL, by connection?
-- As `status` and Grafana do, it counts what a webhook reported; sweeps and imports say nothing about freshness.
WITH reads AS (
    SELECT key, version_ms, fingerprint, max_by(origin, read_at) AS origin
    FROM snapshot_log
    GROUP BY key, version_ms, fingerprint
)
SELECT
    r.connection,
    count(*) AS changes,
    round(median(epoch(r.answered - r.accepted)), 1) AS p50_seconds,
    round(quantile_cont(epoch(r.answered - r.accepted), 0.95), 1) AS p95_seconds,
    round(max(epoch(r.answered - r.accepted)), 1) AS longest_seconds,
    count(*) FILTER (r.answered - r.accepted <= INTERVAL 60 SECONDS) AS within_a_minute,
    max(r.answered) AS newest
FROM receipts AS r
JOIN reads USING (key, version_ms, fingerprint)
WHERE r.outcome = 'applied' AND r.settled <> '' AND r.accepted IS NOT NULL AND reads.origin = 'webhook'
GROUP BY r.connection
ORDER BY r.connection;
