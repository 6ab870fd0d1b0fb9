-- How many hours ago a run of the load job last succeeded, or first failed where none ever did; no row before any run.
SELECT (unix_timestamp(current_timestamp())
        - unix_timestamp(coalesce(max(ended_at) FILTER (WHERE status = 'SUCCESS'), min(ended_at)))) / 3600
       AS hours_without_success
-- Not the run tracker, which leaves out what is there twice: that changes no first and no last, and takes time.
FROM operations.job_log_table
WHERE task = 'quality_gate'
HAVING max(ended_at) IS NOT NULL
