-- How many rows were rejected for each reason in the last 30 days, and an example; one with two reasons counts for both.
SELECT reason.rule, reason.column, count(*) AS rows, min(reason.message) AS example
FROM (
    SELECT explode(reasons) AS reason
    FROM operations.quarantined_orders_table
    WHERE _quarantined_at > current_timestamp() - INTERVAL 30 DAYS
)
GROUP BY reason.rule, reason.column
ORDER BY rows DESC, reason.rule, reason.column
