-- How many files arrived, were loaded, rejected or dropped on each of the last 30 days, and with how many rows.
SELECT file.day, file.event, count(*) AS files, sum(file.rows) AS rows
FROM (
    -- Each file twice, of one reading: when it arrived, and when it was dealt with.
    SELECT explode(array(
        struct(CAST(modified_at AS DATE) AS day, 'arrived' AS event, rows_read AS rows),
        struct(CAST(occurred_at AS DATE) AS day,
               CASE WHEN state IN ('STAGED', 'MERGED') THEN 'loaded' ELSE lower(state) END AS event,
               CASE WHEN state = 'REJECTED' THEN rows_read ELSE rows_staged END AS rows)
    )) AS file
    FROM operations.loaded_files_table
    -- What arrived in these days was not dealt with before them.
    WHERE state NOT IN ('SUPERSEDED', 'WITHDRAWN') AND occurred_at > date_sub(current_date(), 31)
)
WHERE file.day > date_sub(current_date(), 30)
GROUP BY file.day, file.event
ORDER BY day, event
