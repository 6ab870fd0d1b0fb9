-- What was loaded on each of the last 30 days: files and rows, and what of them was not taken.
SELECT day, count(*) AS files, count_if(state = 'REJECTED') AS files_rejected,
       -- A rejected file has no row in quarantine, however many of its rows are bad.
       sum(IF(state = 'REJECTED', 0, rows_read)) AS rows_read, sum(rows_quarantined) AS rows_quarantined
FROM (
    -- What is loaded again is no news: it counts on the day of its first batch, which its path tells last.
    SELECT *, CAST(coalesce(
               try_to_timestamp(regexp_extract(path, '^(replay-files-[^/]+/([0-9]{8})T[^/]+/)+', 2), 'yyyyMMdd'),
               occurred_at) AS DATE) AS day
    FROM operations.loaded_files_table
    WHERE occurred_at > current_timestamp() - INTERVAL 30 DAYS AND state NOT IN ('DROPPED', 'SUPERSEDED', 'WITHDRAWN')
      -- Rows out of the quarantine were read with the file that they came in.
      AND path NOT RLIKE '^(replay-files-[^/]+/[^/]+/)*replay-rows-'
)
WHERE day > date_sub(current_date(), 30)
GROUP BY day
ORDER BY day
