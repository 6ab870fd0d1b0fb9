-- The orders with a text in one of their numbers, those whose number it is first, then those that begin with it.
SELECT *
FROM orders_table
WHERE contains(upper(tracking_num), upper(:text)) OR contains(upper(order_num), upper(:text))
-- Where there is no order number: NULL would come before all that is true or false.
ORDER BY NOT (upper(tracking_num) = upper(:text) OR coalesce(upper(order_num) = upper(:text), false)),
         NOT (startswith(upper(tracking_num), upper(:text))
              OR coalesce(startswith(upper(order_num), upper(:text)), false)),
         tracking_num
