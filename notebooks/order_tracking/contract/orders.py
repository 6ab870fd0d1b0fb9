"""The contract of the orders. To load another column or add a rule, edit this file alone."""

from order_tracking.contract.contract import Column, Contract, Progress
from order_tracking.contract.rule import not_before

ORDERS = Contract(
    columns=(
        Column("tracking_num", "string", required=True),
        Column("order_num", "string"),
        Column("status", "string", required=True),
        Column("address", "string"),
        Column("received_date", "date"),
        Column("delivery_date", "date"),
        Column("last_update_timestamp", "timestamp", required=True),
    ),
    key="tracking_num",
    sequence="last_update_timestamp",
    progress=Progress(
        "status",
        (
            "NEW",
            "CREATED",
            "LABEL_PRINTED",
            "RECEIVED",
            "APPROVED",
            "PROCESSING",
            "PACKED",
            "SHIPPED",
            "IN_TRANSIT",
            "OUT_FOR_DELIVERY",
            "DELAYED",
            "CANCELLED",
            "LOST",
            "DELIVERED",
            "RETURNED",
        ),
    ),
    rules=(not_before("delivery_date", "received_date", warn_only=True),),
)
