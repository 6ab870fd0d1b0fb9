-- How many files arrived, were loaded, rejected or dropped on each of the last 30 days, and with how many rows.
SELECT day, event, count(*) AS files, sum(rows) AS rows
FROM (
    SELECT file.day, file.event, max(file.rows) AS rows
    FROM (
        -- Each reading of a file twice: when the file arrived, and when it was dealt with. A file is one, however often it
        -- was loaded again from a folder of its own; rows that were loaded again without it are another, which did not
        -- arrive.
        SELECT explode(array(
            struct(CAST(modified_at AS DATE) AS day, 'arrived' AS event, rows_read AS rows,
                   -- By its time, since what was dropped from one batch may have been loaded in another.
                   -- A regular expression takes as long as all the rest, and few files are in such a folder.
                   modified_at AS sent_at, IF(startswith(path, 'replay-'), regexp_replace(path,
                     '^(replay-(files|rows)-[^/]+/[0-9]{8}T[0-9.]{13}Z-[^/]+/)+', ''), path) AS path),
            struct(CAST(occurred_at AS DATE) AS day,
                   CASE WHEN state IN ('STAGED', 'MERGED') THEN 'loaded' ELSE lower(state) END AS event,
                   CASE WHEN state = 'REJECTED' THEN rows_read ELSE rows_staged END AS rows,
                   CAST(NULL AS TIMESTAMP) AS sent_at, IF(startswith(path, 'replay-'), regexp_replace(reading,
                     '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', ''), reading) AS path)
        )) AS file
        FROM (
            -- A file that cannot be taken is dropped from another batch in each run.
            SELECT *, concat(IF(state = 'DROPPED', CAST(modified_at AS STRING), batch_id), '/', path) AS reading
            FROM operations.loaded_files_table
        )
        -- What arrived in these days was not dealt with before them.
        WHERE state NOT IN ('SUPERSEDED', 'WITHDRAWN') AND occurred_at > date_sub(current_date(), 31)
    )
    WHERE file.day > date_sub(current_date(), 30)
    GROUP BY file.day, file.event, file.sent_at, file.path
)
GROUP BY day, event
ORDER BY day, event
