-- The share of quarantined rows, of all in the files that were loaded first in the last 24 hours; 0 where none were.
SELECT coalesce(100 * sum(newest.rows_quarantined) / nullif(sum(newest.rows_read), 0), 0) AS quarantined_percent
FROM (
    -- A file that was loaded more than once counts by its newest reading.
    SELECT max_by(struct(rows_read, rows_quarantined), batch_id) AS newest
    FROM (
        SELECT *, regexp_replace(concat(batch_id, '/', path),
                   -- Clients can name a folder like this as well, but it is not followed by a batch.
                   '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', '') AS first_reading,
               -- What comes out of the archive was loaded before, first in the batch below the innermost such folder.
               regexp_extract(path,
                   '^(?:replay-files-[^/]+/[0-9]{8}T[0-9.]{13}Z-[^/]+/)*replay-files-archive-[^/]+/([0-9]{8}T[0-9.]{13}Z)-',
                   1) AS loaded_before
        FROM operations.loaded_files_table
        -- A rejected file has no row in quarantine, however many of its rows are bad.
        WHERE occurred_at > current_timestamp() - INTERVAL 24 HOURS AND state IN ('STAGED', 'MERGED')
    )
    -- What was loaded before is no news. A batch is named after the time at which it was claimed, in UTC; where there
    -- can be no such time, a client has named the folder.
    WHERE coalesce(try_to_timestamp(loaded_before, "yyyyMMdd'T'HHmmss.SSSSSSX")
                   > current_timestamp() - INTERVAL 24 HOURS, true)
      -- Rows out of the quarantine were read with the file that they came in.
      AND first_reading NOT RLIKE '^[^/]+/replay-rows-[^/]+/[0-9]{8}T[0-9.]{13}Z-'
    GROUP BY first_reading
)
