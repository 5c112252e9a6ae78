-- Who wants no texts, calls or e-mails, and does GHL know? By connection and channel, of the leads that Lofty has.
-- `missing` is what GHL was not told yet: each should be 0 within seconds. What was said in GHL alone is here once Lofty has it.
WITH wanted AS (
    SELECT connection, key, unnest(channels) AS channel
    FROM (
        SELECT connection, key, list_filter([
            CASE WHEN state ->> 'cannotText' = 'true' THEN 'SMS' END,
            CASE WHEN state ->> 'cannotCall' = 'true' THEN 'Call' END,
            CASE WHEN state ->> 'cannotEmail' = 'true' OR state ->> 'unsubscription' = 'true' THEN 'Email' END
        ], lambda channel: channel IS NOT NULL) AS channels
        FROM snapshots
        WHERE kind = 'contact' AND NOT is_gone
    )
),
written AS (  -- the channels that were closed in GHL, as the last write of each contact says
    SELECT key, string_split(fields ->> 'dndSettings', ' ') AS channels
    FROM receipts
    WHERE kind = 'contact' AND outcome = 'applied' AND json_type(fields) = 'OBJECT'
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY epoch DESC, written DESC, "offset" DESC) = 1
)
SELECT
    w.connection,
    w.channel,
    count(*) AS leads,
    count(*) FILTER (list_contains(g.channels, w.channel)) AS in_ghl,
    count(*) FILTER (NOT coalesce(list_contains(g.channels, w.channel), false)) AS missing
FROM wanted AS w
LEFT JOIN written AS g USING (key)
GROUP BY w.connection, w.channel
ORDER BY w.connection, w.channel;
