-- The files that were rejected last, with the reason and where they are.
SELECT path, batch_id, occurred_at, size_bytes, reason, moved_to
FROM operations.loaded_files_table
WHERE state = 'REJECTED'
ORDER BY occurred_at DESC, path
