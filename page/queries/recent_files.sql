-- The files that were looked at last, with what became of them.
SELECT path, state, batch_id, run_id, occurred_at, modified_at, size_bytes, rows_read, rows_staged, rows_quarantined,
       reason, moved_to
FROM operations.loaded_files_table
ORDER BY occurred_at DESC, path
