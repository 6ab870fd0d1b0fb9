-- How long each run of the last 30 days took, from its first task to the end of its last, the newest run first.
SELECT run_id, min(started_at) AS started_at,
       unix_timestamp(max(ended_at)) - unix_timestamp(min(started_at)) AS seconds,
       -- A load that left no word of its last task within the time that a run may take was killed.
       CASE WHEN count_if(task = 'source_to_stage') > 0 AND count_if(task = 'quality_gate') = 0
                 AND max(ended_at) < current_timestamp() - INTERVAL 4 HOURS THEN 'FAILED'
            ELSE max_by(status, ended_at) END AS status
FROM operations.job_runs_table
WHERE started_at > current_timestamp() - INTERVAL 30 DAYS
GROUP BY run_id
ORDER BY started_at DESC
