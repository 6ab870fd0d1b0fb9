-- What was loaded on each of the last 30 days: files and rows, and what of them was not taken.
SELECT CAST(occurred_at AS DATE) AS day, count(*) AS files, count_if(state = 'REJECTED') AS files_rejected,
       sum(rows_read) AS rows_read, sum(rows_quarantined) AS rows_quarantined
FROM operations.loaded_files_table
WHERE occurred_at > current_timestamp() - INTERVAL 30 DAYS AND state <> 'DROPPED'
GROUP BY day
ORDER BY day
