-- The orders with a text in their tracking number or order number, those that begin with it first.
SELECT *
FROM orders_table
WHERE contains(upper(tracking_num), upper(:text)) OR contains(upper(order_num), upper(:text))
ORDER BY NOT (startswith(upper(tracking_num), upper(:text)) OR startswith(upper(order_num), upper(:text))), tracking_num
