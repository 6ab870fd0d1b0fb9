-- Every row that was loaded for an order, the one that came last first.
SELECT *
FROM operations.stage_orders_table
WHERE tracking_num = :tracking_num
ORDER BY _ingested_at DESC, _sent DESC, _row_id DESC
