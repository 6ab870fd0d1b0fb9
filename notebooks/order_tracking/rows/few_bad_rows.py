"""One or two bad rows of a file, seen while its good ones are written: the file is not looked at once more for them."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from order_tracking.contract.contract import Contract
from order_tracking.contract.rules import REASONS
from order_tracking.rows.order_rows import NUMBER_IN_TASK
from order_tracking.sql import identifier
from order_tracking.tables.literal_rows import literal_rows

#: A longer row is looked for once more: what is observed is held by the driver, and sent to it by each task.
_MAX_CHARACTERS = 10_000


@dataclass(frozen=True)
class BadRowSeen:
    """A bad row of a file that is alone in its batch.

    Attributes:
        part_at: The byte of the file where the task that read the row began to read.
        number_in_part: Its number among the rows of that task, from 1.
        values: What the quarantine has of it, by column.
    """

    part_at: int
    number_in_part: int
    values: Mapping[str, Any]

    def is_in(self, line: str) -> bool:
        """Tell whether a line is this row."""
        raw_row = self.values["raw_row"]
        if line.removesuffix("\r") == raw_row.removesuffix("\r"):
            return True  # It could not be split.
        try:
            values = [value or "" for value in json.loads(raw_row).values()]
            return [each.strip() for each in next(csv.reader([line]))] == [each.strip() for each in values]
        except (ValueError, AttributeError, csv.Error):
            return False


def observed(contract: Contract) -> dict[str, str]:
    """What to observe of the rows of a file, as SQL, for `seen_in`: the first bad row and the last."""
    kept = ", ".join([*map(identifier, contract.names), "raw_row", "reasons", "_part_at", "_row_id"])
    is_bad = f"length(raw_row) <= {_MAX_CHARACTERS}"  # A good row has none.
    row, place = f"CASE WHEN {is_bad} THEN to_json(struct({kept})) END", f"CASE WHEN {is_bad} THEN _row_id END"
    return {"first_bad": f"min_by({row}, {place})", "last_bad": f"max_by({row}, {place})"}


def seen_in(metrics: Mapping[str, Any], quarantined: int) -> tuple[BadRowSeen, ...]:
    """Take the bad rows from what was observed; none if these are not all."""
    found = [text for text in dict.fromkeys((metrics.get("first_bad"), metrics.get("last_bad"))) if text]
    if len(found) != quarantined:
        return ()
    rows = []
    for values in map(json.loads, found):
        number_in_part = (values.pop("_row_id") & NUMBER_IN_TASK) + 1
        rows.append(BadRowSeen(values.pop("_part_at"), number_in_part, values))
    return tuple(rows)


def as_rows(spark: SparkSession, contract: Contract, rows: Mapping[int, BadRowSeen], source_file: str) -> DataFrame:
    """Return bad rows of a file, by their number in it, as the quarantine takes them."""
    found = [
        {**row.values, "_source_file": source_file, "_row_number": number, "_row_id": number}
        for number, row in rows.items()
    ]
    texts = dict.fromkeys((*contract.names, "raw_row", "_source_file"), "STRING")
    columns = {**texts, "reasons": REASONS, "_row_number": "BIGINT", "_row_id": "BIGINT"}
    return literal_rows(spark, json.dumps(found), columns)
