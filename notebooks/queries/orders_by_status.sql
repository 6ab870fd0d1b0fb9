-- How many orders are in each status, and when one of them last changed.
SELECT upper(status) AS status, count(*) AS orders, max(last_update_timestamp) AS last_update
FROM orders_table
GROUP BY upper(status)
ORDER BY orders DESC, status
