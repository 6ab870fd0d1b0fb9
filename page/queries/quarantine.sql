-- The rows that were quarantined last, as they were sent, with every reason.
SELECT _source_file AS file, _row_number AS row_number, _batch_id AS batch_id, _quarantined_at AS quarantined_at,
       array_join(reasons.message, '; ') AS reasons, raw_row
FROM operations.quarantined_orders_table
ORDER BY _quarantined_at DESC, _source_file, _row_number
