-- What was loaded on each of the last 30 days: files and rows, and what of them was not taken.
SELECT day, count(*) AS files, count_if(newest.state = 'REJECTED') AS files_rejected,
       -- A rejected file has no row in quarantine, however many of its rows are bad.
       sum(IF(newest.state = 'REJECTED', 0, newest.rows_read)) AS rows_read,
       sum(newest.rows_quarantined) AS rows_quarantined
FROM (
    -- What is loaded again is no news: it counts on the day of its first batch, by the reading that counts if one does.
    SELECT CAST(try_to_timestamp(left(first_reading, 8), 'yyyyMMdd') AS DATE) AS day,
           max_by(struct(state, rows_read, rows_quarantined), struct(state IN ('STAGED', 'MERGED'), batch_id)) AS newest
    FROM (
        SELECT *, regexp_replace(concat(batch_id, '/', path),
                   -- Clients can name a folder like this as well, but it is not followed by a batch.
                   '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', '') AS first_reading
        FROM operations.loaded_files_table
        WHERE occurred_at > current_timestamp() - INTERVAL 30 DAYS AND state <> 'DROPPED'
    )
    -- Rows out of the quarantine were read with the file that they came in.
    WHERE first_reading NOT RLIKE '^[^/]+/replay-rows-[^/]+/[0-9]{8}T[0-9.]{13}Z-'
    GROUP BY first_reading
)
WHERE day > date_sub(current_date(), 30) AND newest.state NOT IN ('SUPERSEDED', 'WITHDRAWN')
GROUP BY day
ORDER BY day
