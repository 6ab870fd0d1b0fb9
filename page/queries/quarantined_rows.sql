-- The rows that were quarantined last for a reason, as they were sent.
SELECT _source_file, _row_number, _batch_id, _quarantined_at, raw_row, array_join(reasons.message, '; ') AS message
FROM operations.quarantined_orders_table
WHERE exists(reasons, each -> each.rule = :rule AND coalesce(each.column, '') = :column)
ORDER BY _quarantined_at DESC, _source_file, _row_number
