-- The share of quarantined rows, of all in the files that came in the last 24 hours and were loaded; 0 where none were.
SELECT coalesce(100 * sum(newest.rows_quarantined) / nullif(sum(newest.rows_read), 0), 0) AS quarantined_percent
FROM (
    -- What is loaded again is no news: it counts when it came first, by the reading that counts.
    SELECT max_by(struct(rows_read, rows_quarantined), batch_id) AS newest
    FROM (
        SELECT *, regexp_replace(concat(batch_id, '/', path),
                   -- Clients can name a folder like this as well, but it is not followed by a batch.
                   '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', '') AS first_reading
        FROM operations.loaded_files_table
        -- A rejected file has no row in quarantine, however many of its rows are bad.
        WHERE occurred_at > current_timestamp() - INTERVAL 24 HOURS AND state IN ('STAGED', 'MERGED')
    )
    -- A batch is named after the time at which it was claimed, in UTC.
    WHERE try_to_timestamp(left(first_reading, 23), "yyyyMMdd'T'HHmmss.SSSSSSX")
          > current_timestamp() - INTERVAL 24 HOURS
      -- Rows out of the quarantine were read with the file that they came in.
      AND first_reading NOT RLIKE '^[^/]+/replay-rows-[^/]+/[0-9]{8}T[0-9.]{13}Z-'
    GROUP BY first_reading
)
