-- The share of quarantined rows, of all that were judged first in the last 24 hours and not rejected; 0 where none were.
SELECT coalesce(100 * sum(rows_quarantined) / nullif(sum(rows_read), 0), 0) AS quarantined_percent
FROM operations.loaded_files_table
-- A rejected file has no row in quarantine, however many of its rows are bad.
WHERE occurred_at > current_timestamp() - INTERVAL 24 HOURS AND state <> 'REJECTED'
  AND path NOT RLIKE '^replay-(files-archive|rows)-'
