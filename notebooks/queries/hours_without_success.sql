-- How many hours ago a run of the load job last succeeded, or first failed where none ever did; no row before any run.
SELECT (unix_timestamp(current_timestamp())
        - unix_timestamp(coalesce(max(ended_at) FILTER (WHERE status = 'SUCCESS'), min(ended_at)))) / 3600
       AS hours_without_success
FROM operations.job_runs_table
WHERE task = 'quality_gate'
HAVING max(ended_at) IS NOT NULL
