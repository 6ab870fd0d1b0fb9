"""Values are normalised, so that one order has one key."""

import unicodedata

from order_tracking.parameters import NewColumns
from order_tracking.tasks.load_batch import Policy
from pipeline import COLUMNS, HEADER, Pipeline, csv_text, lines, order

KEYS = ["T1", "T1\u00a0", "\u2003T1", "\ufeffT1", "T1\u200b", "\tT1"]
UNSEEN = ["", "\ufeff", "\u200b", "\u200e", "\x00", "\u00ad"]


def test_what_looks_the_same_makes_no_other_order_and_no_other_column(pipeline: Pipeline) -> None:
    values = order(1).split(",")
    for number, (key, unseen) in enumerate(zip(KEYS, UNSEEN, strict=True)):
        pipeline.drop(f"{number}.csv", csv_text([[key, *values[1:]]], [f"{unseen}{name}{unseen}" for name in COLUMNS]))
    # A letter with an accent may be one character or two.
    for form in ("NFC", "NFD"):
        pipeline.drop(f"{form}.csv", unicodedata.normalize(form, lines(order("ü"), order("é"))))
    staged, _ = pipeline.run()
    rows = [tuple(order(number).split(",")[:4]) for number in (1, "ü", "é")]
    assert {key: row[:4] for key, row in pipeline.orders().items()} == {row[0]: row for row in rows}
    staged_rows = {file.path: file.rows_staged for file in staged.files}
    assert staged_rows == {**{f"{number}.csv": 1 for number in range(len(KEYS))}, "NFC.csv": 2, "NFD.csv": 2}


def test_control_characters_are_refused(pipeline: Pipeline) -> None:
    for number, character in enumerate(("\x00", "\x1f", "\x7f", "\x9f")):
        in_key = order(f"{number}-1").replace("T", f"T{character}", 1)
        in_text = order(f"{number}-2").replace(" Main", f"{character}Main")
        pipeline.drop(f"{number}.csv", lines(in_key, in_text, order(f"{number}-3")))
    # In quotes, a value needs a closer look: quotes in it, blanks after it, or last in a line that ends in CRLF.
    header = "status,address,last_update_timestamp,tracking_num"
    for number, (key, end) in enumerate((('"T\x00 ""1"""', "\n"), ('"T\x001" ', "\n"), ('"T\x001"', "\r\n"))):
        rows = [f"SHIPPED,x,2026-01-01,{key}", f"SHIPPED,x,2026-01-01,Tquoted{number}"]
        pipeline.drop(f"quoted{number}.csv", lines(*rows, header=header, end=end))
    pipeline.run()
    loaded = {*(f"T{number}-3" for number in range(4)), *(f"Tquoted{number}" for number in range(3))}
    assert set(pipeline.statuses()) == loaded
    of_key, of_text = [("tracking_num", "control")], [("address", "control")]
    assert pipeline.quarantine() == [
        *((f"{file}.csv", number, reasons) for file in range(4) for number, reasons in ((1, of_key), (2, of_text))),
        *((f"quoted{file}.csv", 1, of_key) for file in range(3)),
    ]


def test_control_characters_are_refused_in_added_columns_too(pipeline: Pipeline) -> None:
    rows = [f"{order(1)},D\x00HL", f"{order(2)},\u00a0DHL"]
    pipeline.drop("a.csv", lines(*rows, header=f"{HEADER},carrier"))
    pipeline.run(Policy(NewColumns.ADD))
    assert pipeline.quarantine() == [("a.csv", 1, [("carrier", "control")])]
    assert [tuple(row) for row in pipeline.table("orders_table", "tracking_num", "carrier")] == [("T2", "DHL")]


def test_a_key_has_no_character_that_nobody_sees_and_a_text_may(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order("1\u200d2"), order(3).replace("3 Main", "\U0001f468\u200d\U0001f469")))
    pipeline.drop("b.csv", csv_text([["T4\nX", *order(4).split(",")[1:]]]))
    pipeline.run()
    assert set(pipeline.statuses()) == {"T3"}
    assert pipeline.orders()["T3"][3] == "\U0001f468\u200d\U0001f469 Street"
