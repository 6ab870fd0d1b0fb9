-- The files that were rejected last and not loaded again since, with the reason and where they are.
SELECT path, batch_id, occurred_at, size_bytes, reason, moved_to
FROM operations.loaded_files_table AS file
WHERE state = 'REJECTED'
  AND NOT EXISTS (
    SELECT * FROM operations.loaded_files_table AS later
    WHERE later.path LIKE 'replay-files-%'
      AND (
        -- What is loaded again has left its folder of rejected/; where it is rejected again, it is in another one.
        later.state <> 'DROPPED' AND endswith(later.path, concat('/', file.batch_id, '/', file.path))
        -- It may have been loaded by another way, as out of the archive: the same file, by what it was read as first.
        OR later.state = 'MERGED' AND later.batch_id > file.batch_id
          AND regexp_replace(concat(later.batch_id, '/', later.path), '^([^/]+/replay-files-[^/]+/)+', '')
            = regexp_replace(concat(file.batch_id, '/', file.path), '^([^/]+/replay-files-[^/]+/)+', '')
      )
  )
ORDER BY occurred_at DESC, path
