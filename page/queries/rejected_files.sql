-- The files that were rejected last and not loaded again since, with the reason and where they are.
SELECT path, batch_id, occurred_at, size_bytes, reason, moved_to
FROM operations.loaded_files_table AS file
WHERE state = 'REJECTED'
  -- What is loaded again has left its folder of rejected/; where it is rejected again, it is in another one.
  AND NOT EXISTS (
    SELECT * FROM operations.loaded_files_table AS later
    WHERE later.state <> 'DROPPED' AND later.path LIKE 'replay-files-%'
      AND endswith(later.path, concat('/', file.batch_id, '/', file.path))
  )
ORDER BY occurred_at DESC, path
