-- The orders that changed last.
SELECT tracking_num, order_num, status, last_update_timestamp
FROM orders_table
ORDER BY last_update_timestamp DESC, tracking_num
