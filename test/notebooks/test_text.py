"""Values are normalised, so that one order has one key."""

import unicodedata

from order_tracking.parameters import NewColumns
from order_tracking.tasks.load_batch import Policy
from pipeline import COLUMNS, HEADER, Pipeline, csv_text, lines, order

KEYS = ["T1", "T1\u00a0", "\u2003T1", "\ufeffT1", "T1\u200b", "\tT1"]
UNSEEN = ["", "\ufeff", "\u200b", "\u200e", "\x00", "\u00ad"]


def test_what_looks_the_same_is_the_same_and_what_nobody_sees_is_refused(pipeline: Pipeline) -> None:
    values = order(1).split(",")
    for number, (key, unseen) in enumerate(zip(KEYS, UNSEEN, strict=True)):
        header = [f"{unseen}{name}{unseen}" for name in COLUMNS]
        pipeline.drop(f"same{number}.csv", csv_text([[key, *values[1:]]], header))
    # A letter with an accent may be one character or two.
    for form in ("NFC", "NFD"):
        pipeline.drop(f"same{form}.csv", unicodedata.normalize(form, lines(order("ü"), order("é"))))
    for number, character in enumerate(("\x00", "\x1f", "\x7f", "\x9f")):
        in_key = order(f"{number}-1").replace("T", f"T{character}", 1)
        in_text = order(f"{number}-2").replace(" Main", f"{character}Main")
        pipeline.drop(f"control{number}.csv", lines(in_key, in_text, order(f"{number}-3")))
    # In quotes, a value needs a closer look: quotes in it, blanks after it, or last in a line that ends in CRLF.
    header_of_quoted = "status,address,last_update_timestamp,tracking_num"
    for number, (key, end) in enumerate((('"T\x00 ""1"""', "\n"), ('"T\x001" ', "\n"), ('"T\x001"', "\r\n"))):
        rows = [f"SHIPPED,x,2026-01-01,{key}", f"SHIPPED,x,2026-01-01,Tquoted{number}"]
        pipeline.drop(f"quoted{number}.csv", lines(*rows, header=header_of_quoted, end=end))
    # In columns that are added, too.
    added = [f"{order('added1')},D\x00HL", f"{order('added2')},\u00a0DHL"]
    pipeline.drop("added.csv", lines(*added, header=f"{HEADER},carrier"))
    # A key has no character that nobody sees, and a text may.
    family = "\U0001f468\u200d\U0001f469"
    pipeline.drop("unseen.csv", lines(order("5\u200d2"), order(6).replace("6 Main", family)))
    pipeline.drop("two-lines.csv", csv_text([["T7\nX", *order(7).split(",")[1:]]]))
    staged, _ = pipeline.run(Policy(NewColumns.ADD))

    # No other order than these is made, and no other column.
    orders = {row.tracking_num: row for row in pipeline.table("orders_table")}
    in_full = [tuple(order(number).split(",")[:4]) for number in (1, "ü", "é")]
    assert [tuple(orders[row[0]])[:4] for row in in_full] == in_full
    loaded = {*(f"T{number}-3" for number in range(4)), *(f"Tquoted{number}" for number in range(3))}
    assert orders.keys() == {*(row[0] for row in in_full), *loaded, "Tadded2", "T6"}
    assert orders["T6"].address == f"{family} Street"
    assert [name for name in orders["T6"].asDict() if not name.startswith("_")] == [*COLUMNS, "carrier"]
    assert {key: row.carrier for key, row in orders.items() if row.carrier} == {"Tadded2": "DHL"}
    staged_rows = {file.path: file.rows_staged for file in staged.files if file.path.startswith("same")}
    of_keys = {f"same{number}.csv": 1 for number in range(len(KEYS))}
    assert staged_rows == {**of_keys, "sameNFC.csv": 2, "sameNFD.csv": 2}
    of_key, of_text = [("tracking_num", "control")], [("address", "control")]
    *quarantined, two_lines, unseen = pipeline.quarantine()
    assert quarantined == [
        ("added.csv", 1, [("carrier", "control")]),
        *(
            (f"control{file}.csv", number, reasons)
            for file in range(4)
            for number, reasons in ((1, of_key), (2, of_text))
        ),
        *((f"quoted{file}.csv", 1, of_key) for file in range(3)),
    ]
    assert (two_lines[:2], unseen) == (("two-lines.csv", 1), ("unseen.csv", 1, of_key))
