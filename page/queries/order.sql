-- The order with a tracking number, as it is now.
SELECT *
FROM orders_table
WHERE tracking_num = :tracking_num
