-- How many hours ago a run of the load job last succeeded; no row where none ever did.
SELECT (unix_timestamp(current_timestamp()) - unix_timestamp(max(ended_at))) / 3600 AS hours_without_success
FROM operations.job_runs_table
WHERE task = 'quality_gate' AND status = 'SUCCESS'
HAVING max(ended_at) IS NOT NULL
