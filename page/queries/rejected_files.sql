-- The files that were rejected in the last 30 days and not loaded again since, with the reason and where they are.
SELECT path, batch_id, occurred_at, size_bytes, reason, moved_to
FROM operations.loaded_files_table AS file
WHERE state = 'REJECTED'
  -- A mended file may come as any other one, and then nothing tells that this one is done with.
  AND occurred_at > current_timestamp() - INTERVAL 30 DAYS
  -- What is loaded again has left its folder of rejected/; where it is rejected again, it is in another one.
  AND NOT EXISTS (
    SELECT * FROM operations.loaded_files_table AS again
    WHERE again.path LIKE 'replay-files-%' AND again.state <> 'DROPPED'
      AND regexp_replace(again.path, '^[^/]+/', '') = concat(file.batch_id, '/', file.path)
  )
  -- It may have been loaded by another way, as out of the archive: the same file, by what it was read as first.
  AND NOT EXISTS (
    SELECT * FROM operations.loaded_files_table AS later
    WHERE later.path LIKE 'replay-files-%' AND later.state = 'MERGED' AND later.batch_id > file.batch_id
      AND regexp_replace(concat(later.batch_id, '/', later.path),
            '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', '')
        = regexp_replace(concat(file.batch_id, '/', file.path),
            '^([^/]+/replay-files-[^/]+/(?=[0-9]{8}T[0-9.]{13}Z-))+', '')
  )
ORDER BY occurred_at DESC, path
