-- What was loaded on each of the last 30 days: files and rows, and what of them was not taken.
SELECT CAST(occurred_at AS DATE) AS day, count(*) AS files, count_if(state = 'REJECTED') AS files_rejected,
       -- A rejected file has no row in quarantine, however many of its rows are bad; what is loaded again is no news.
       sum(IF(state = 'REJECTED', 0, rows_read)) AS rows_read,
       sum(IF(path LIKE 'replay-files-archive-%', 0, rows_quarantined)) AS rows_quarantined
FROM operations.loaded_files_table
WHERE occurred_at > current_timestamp() - INTERVAL 30 DAYS AND state NOT IN ('DROPPED', 'SUPERSEDED', 'WITHDRAWN')
  -- Rows out of the quarantine were read with the file that they came in.
  AND path NOT RLIKE '^(replay-files-[^/]+/[^/]+/)*replay-rows-'
GROUP BY day
ORDER BY day
