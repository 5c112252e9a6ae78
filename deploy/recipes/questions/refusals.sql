-- What did GHL refuse, and why? By connection, kind, request and GHL's own words.
-- An answer that only says "later" or "who are you" (401, 408, 425, 429) is no refusal. `waiting`: entities of which it is the last word.
-- A value that GHL dropped in silence has the status of the answer (200, 201), and its field as the cause.
WITH answers AS (
    SELECT
        *,
        CASE
            WHEN outcome = 'applied' THEN 'dropped: ' || array_to_string(json_keys(refused), ', ')
            ELSE trim(regexp_replace(message, '\(traceId [^)]*\)', ''))
        END AS cause,
        row_number() OVER (PARTITION BY key ORDER BY epoch DESC, written DESC, "offset" DESC) = 1 AS is_last
    FROM receipts
)
SELECT
    connection, kind, step, status, cause,
    count(*) AS answers,
    count(DISTINCT key) AS entities,
    count(*) FILTER (is_last AND outcome IN ('refused', 'parked')) AS waiting,
    max(answered) AS newest
FROM answers
WHERE (outcome <> 'applied' AND status BETWEEN 400 AND 499 AND status NOT IN (401, 408, 425, 429))
   OR (outcome = 'applied' AND json_type(refused) = 'OBJECT')
GROUP BY ALL
ORDER BY answers DESC, connection, kind, step, cause;
