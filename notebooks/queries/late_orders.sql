-- Orders that were received more than 7 days ago and are neither delivered, returned, cancelled nor lost, the oldest first.
SELECT tracking_num, order_num, status, received_date, datediff(current_date(), received_date) AS days_open,
       last_update_timestamp
FROM orders_table
WHERE datediff(current_date(), received_date) > 7 AND delivery_date IS NULL
  AND upper(status) NOT IN ('DELIVERED', 'RETURNED', 'CANCELLED', 'LOST')
ORDER BY received_date, tracking_num
