-- Every row that was loaded for an order, as they came.
SELECT *
FROM operations.stage_orders_table
WHERE tracking_num = :tracking_num
ORDER BY _ingested_at, _sent, _row_id
