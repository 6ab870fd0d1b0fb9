-- The share of quarantined rows, of all in the files of the last 24 hours that were judged first; 0 where there were none.
SELECT coalesce(100 * sum(rows_quarantined) / nullif(sum(rows_read), 0), 0) AS quarantined_percent
FROM operations.loaded_files_table
WHERE occurred_at > current_timestamp() - INTERVAL 24 HOURS AND path NOT RLIKE '^replay-(files-archive|rows)-'
