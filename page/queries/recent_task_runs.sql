-- The tasks of the last runs, the newest first: when they began and ended, what came of them, and why they failed.
SELECT run_id, task, status, started_at, ended_at,
       unix_micros(started_at) / 1000 AS started_ms, unix_micros(ended_at) / 1000 AS ended_ms,
       files_loaded, files_rejected, rows_read, rows_staged, rows_quarantined, rows_inserted, rows_updated, error
FROM operations.job_runs_table
ORDER BY started_at DESC
