-- How many orders are in each status, and when one of them last changed.
SELECT status, count(*) AS orders, max(last_update_timestamp) AS last_update
FROM orders_table
GROUP BY status
ORDER BY orders DESC, status
