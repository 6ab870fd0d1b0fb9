"""Time the merge alone as delta-rs does it without Spark: the same rows as in `bench/pipeline.py`, for the record.

There is no ledger, no quarantine, no history and no archive in it, and no order of states but that of their times. What
it tells is how much of a small run is the price of an engine that is made for large ones.
"""

import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import date, datetime, timezone

import deltalake
import polars as pl

ORDERS, ROWS, WARM_UPS, REPETITIONS = 100_000, 1_000, 5, 15


def orders(numbers: list[int], status: str, delivered: date | None, updated: datetime) -> pl.DataFrame:
    """Return the states of orders by their numbers."""
    return pl.DataFrame(
        {
            "tracking_num": [f"TRK{i:09d}" for i in numbers],
            "order_num": [f"ORD{i:09d}" for i in numbers],
            "status": status,
            "address": [f"{i} Main Street" for i in numbers],
            "received_date": date(2026, 1, 1),
            "delivery_date": pl.Series([delivered] * len(numbers), dtype=pl.Date),
            "last_update_timestamp": updated,
        }
    )


def arriving(turn: int) -> pl.DataFrame:
    """Return updates, spread over the newest tenth of the orders, and as many new orders."""
    half, recent = ROWS // 2, ORDERS // 10
    updated = [ORDERS - 1 - (turn * 7 + i * recent // half) % recent for i in range(half)]
    new = [ORDERS + turn * half + i for i in range(half)]
    return orders(updated + new, "DELIVERED", date(2026, 2, 1), datetime(2026, 2, 1, 0, turn, tzinfo=timezone.utc))


def main() -> int:
    """Print the median; nothing is compared, so nothing fails."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"deltalake {deltalake.__version__}, polars {pl.__version__}")
    seconds = []
    with tempfile.TemporaryDirectory(prefix="order-tracking-bench-") as directory:
        first = orders(list(range(ORDERS)), "SHIPPED", None, datetime(2026, 1, 1, tzinfo=timezone.utc))
        deltalake.write_deltalake(directory, first)
        for turn in range(WARM_UPS + REPETITIONS):
            rows = arriving(turn)
            start = time.perf_counter()
            (
                deltalake.DeltaTable(directory)
                .merge(rows, "t.tracking_num = s.tracking_num", source_alias="s", target_alias="t")
                .when_matched_update_all("s.last_update_timestamp > t.last_update_timestamp")
                .when_not_matched_insert_all()
                .execute()
            )
            seconds.append(time.perf_counter() - start)
        count = deltalake.DeltaTable(directory).count()
    assert count == ORDERS + ROWS // 2 * (WARM_UPS + REPETITIONS), f"{count} orders"
    print(f"{ORDERS:,} orders, {ROWS:,} rows merged: median of {REPETITIONS} ", end="")
    print(f"{statistics.median(seconds[WARM_UPS:]):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
