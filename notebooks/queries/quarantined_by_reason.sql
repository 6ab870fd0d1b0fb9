-- How many rows were rejected for each reason, and an example; a row that broke two rules counts for both.
SELECT reason.rule, reason.column, count(*) AS rows, min(reason.message) AS example
FROM (SELECT explode(reasons) AS reason FROM operations.quarantined_orders_table)
GROUP BY reason.rule, reason.column
ORDER BY rows DESC, reason.rule, reason.column
