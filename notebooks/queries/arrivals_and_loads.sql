-- How many files arrived, were loaded, rejected or dropped on each of the last 30 days, and with how many rows.
SELECT day, event, count(*) AS files, sum(rows) AS rows
FROM (
    SELECT CAST(modified_at AS DATE) AS day, 'arrived' AS event, rows_read AS rows
    FROM operations.loaded_files_table
    WHERE state NOT IN ('SUPERSEDED', 'WITHDRAWN')
    UNION ALL
    SELECT CAST(occurred_at AS DATE), CASE WHEN state IN ('STAGED', 'MERGED') THEN 'loaded' ELSE lower(state) END,
           CASE WHEN state = 'REJECTED' THEN rows_read ELSE rows_staged END
    FROM operations.loaded_files_table
    WHERE state NOT IN ('SUPERSEDED', 'WITHDRAWN')
)
WHERE day > date_sub(current_date(), 30)
GROUP BY day, event
ORDER BY day, event
