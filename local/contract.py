"""Prints the contract of the orders that a folder of notebooks has, as JSON: what a review compares.

python local/contract.py FOLDER
"""

import json
import sys
from dataclasses import asdict


def main() -> None:
    """Import the contract from the folder, whatever version of the package is in it."""
    sys.path.insert(0, sys.argv[1])
    from order_tracking.contract.orders import ORDERS

    contract = {
        "columns": [asdict(column) for column in ORDERS.columns],
        "key": ORDERS.key,
        "sequence": ORDERS.sequence,
        "progress": ORDERS.progress and asdict(ORDERS.progress),
        "rules": [asdict(rule) for rule in ORDERS.rules],
        "future_tolerance_seconds": ORDERS.future_tolerance and ORDERS.future_tolerance.total_seconds(),
    }
    print(json.dumps(contract))


main()
