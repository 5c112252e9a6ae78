-- Which leads of Lofty have no contact in GHL, and why?
-- Kafka keeps receipts for 30 days. Where the file was begun later, it may lack the one that names the contact: a lead that was found
-- `unchanged` since has a contact, and of one that nobody read since `because` says that it is not known.
WITH contacts AS (  -- the last word about each lead's contact: its id, or that it is gone
    SELECT key, ghl_id IS NOT NULL AND NOT is_deleted AND NOT is_forgotten AS is_there
    FROM receipts
    WHERE kind = 'contact' AND (ghl_id IS NOT NULL OR is_deleted OR is_forgotten)
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY epoch DESC, written DESC, "offset" DESC) = 1
),
last_receipts AS (
    SELECT *
    FROM receipts
    WHERE kind = 'contact'
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY epoch DESC, written DESC, "offset" DESC) = 1
)
SELECT
    s.connection,
    s.lead,
    concat_ws(' ', s.state ->> 'firstName', s.state ->> 'lastName') AS name,
    s.read_at,
    CASE
        WHEN r.outcome = 'applied' THEN 'its contact was deleted'
        WHEN r.outcome IS NOT NULL THEN concat_ws(': ', r.outcome, r.message)
        WHEN s.read_at < (SELECT min(answered) FROM receipts) THEN 'unknown: it was read before the oldest receipt here'
        ELSE 'not written yet'
    END AS because
FROM snapshots AS s
LEFT JOIN contacts AS c USING (key)
LEFT JOIN last_receipts AS r USING (key)
WHERE s.kind = 'contact' AND NOT s.is_gone AND NOT coalesce(c.is_there, r.outcome = 'unchanged', false)
ORDER BY s.connection, s.lead;
