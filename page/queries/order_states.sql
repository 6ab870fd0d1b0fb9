-- Every state of an order with the time from and to which it held, the newest first.
SELECT *
FROM orders_history
WHERE tracking_num = :tracking_num
ORDER BY valid_from DESC
