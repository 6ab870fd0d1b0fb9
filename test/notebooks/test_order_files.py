"""What becomes of each kind of file."""

import os
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from order_tracking.clock import utc_now
from order_tracking.contract.contract import Column, Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import QualityGateError
from order_tracking.files.inspection import find_row, inspect
from order_tracking.files.landing import look_at
from order_tracking.parameters import CutRows
from order_tracking.rows import order_rows
from order_tracking.rows.order_rows import ReadableFile
from order_tracking.tasks import load_batch
from order_tracking.tasks.load_batch import Policy
from pipeline import COLUMNS, HEADER, Pipeline, csv_text, lines, order, session_settings
from pyspark.sql import DataFrame, SparkSession

LATER = "2026-01-03 10:00:00"


def test_a_file_is_staged_archived_and_merged_each_time_that_it_arrives(pipeline: Pipeline) -> None:
    content = {"a.csv": lines(order(1), order(2)).encode(), "b.csv": lines(order(3)).encode()}
    for path, text in content.items():
        pipeline.drop(path, text)
    staged, merged = pipeline.run()
    file, _ = staged.files
    assert (file.path, file.outcome, file.rows_read, file.rows_staged) == ("a.csv", "staged", 2, 2)
    assert (merged.rows_taken, merged.inserted, merged.updated, merged.unchanged) == (3, 3, 0, 0)
    assert pipeline.statuses() == dict.fromkeys(("T1", "T2", "T3"), "SHIPPED")
    assert pipeline.files("archive") == content
    assert file.destination and (pipeline.volume / file.destination).exists()
    assert pipeline.files("file_arrival") == {}
    assert pipeline.states() == {"a.csv": ["MERGED"], "b.csv": ["MERGED"]}
    # One of them is put back as it was; the other one's name comes again with different content, which is another file.
    (pipeline.volume / file.destination).rename(pipeline.landing / "a.csv")
    pipeline.drop("b.csv", lines(order(3, "DELIVERED", LATER)))
    staged, merged = pipeline.run()
    assert [(file.path, file.outcome) for file in staged.files] == [("a.csv", "staged"), ("b.csv", "staged")]
    assert (merged.inserted, merged.updated, merged.unchanged) == (0, 1, 2)
    assert pipeline.statuses() == {"T1": "SHIPPED", "T2": "SHIPPED", "T3": "DELIVERED"}
    assert pipeline.files("file_arrival") == {}
    assert [len(list((pipeline.volume / "archive").rglob(path))) for path in content] == [1, 2]


def staged_rows(pipeline: Pipeline) -> dict[str, tuple[str | None, ...]]:
    """The contract's columns of every row of the stage as text, by tracking number."""
    columns = (f"CAST({name} AS string)" for name in COLUMNS)
    return {row[0]: tuple(row) for row in pipeline.table("stage_orders_table", *columns)}


def stored(number: int | str, **changes: str) -> dict[str, tuple[str | None, ...]]:
    """What the stage has of a row that `order` makes, by its key."""
    row = dict(zip(COLUMNS, order(number).split(","), strict=True)) | changes
    return {f"T{number}": tuple(value or None for value in row.values())}


def test_values_are_read_as_what_they_mean_however_a_file_writes_them(pipeline: Pipeline) -> None:
    """Each file is alone in its batch, as most are: Spark may read such a one in parts, where each line is a row."""
    address = 'Flat "7", Main Street,\nSpringfield\\'
    windows = order("windows1").replace("windows1 Main Street", '"1 Main Street\r\nSpringfield"')
    in_quotes = order("quotes1").split(",")
    times = ["2026-01-02T12:00:00.5+02:00", "2026-01-02 10:00", "2026-01-02"]
    types = [order(f"types{number}", updated=time).split(",") for number, time in enumerate(times)]
    types[2][0] = f" {types[2][0]} "
    files = {
        "types.csv": csv_text(types),
        # Of its byte order mark and line ends no trace is left.
        "windows.csv": "\ufeff" + lines(windows, "", order("windows2"), end="\r\n"),
        "mixed.csv": f"{HEADER}\r\n{order('mixed1')}\n{order('mixed2')}\r\n{order('mixed3')}\n",
        "quotes.csv": csv_text([[*in_quotes[:3], address, *in_quotes[4:]], order("quotes2").split(",")]),
    }
    for path, content in files.items():
        pipeline.drop(path, content)
    staged = pipeline.stage(policy=Policy(max_files_of_a_batch=1))
    counts = {file.path: (file.rows_read, file.rows_staged) for file in staged.files}
    assert counts == {"types.csv": (3, 3), "windows.csv": (2, 2), "mixed.csv": (3, 3), "quotes.csv": (2, 2)}
    assert staged_rows(pipeline) == {
        **stored("types0", last_update_timestamp="2026-01-02 10:00:00.5"),
        **stored("types1"),
        **stored("types2", last_update_timestamp="2026-01-02 00:00:00"),
        **stored("windows1", address="1 Main Street\nSpringfield"),
        **stored("windows2"),
        **{key: row for number in (1, 2, 3) for key, row in stored(f"mixed{number}").items()},
        **stored("quotes1", address=address),
        **stored("quotes2"),
    }


def test_a_batch_of_a_header_or_of_bad_files_alone_is_finished(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines())
    pipeline.drop("b.csv", "x\n1\n")
    staged, merged = pipeline.run(Policy(max_files_of_a_batch=1))
    assert [(file.path, file.outcome) for file in staged.files] == [("a.csv", "staged"), ("b.csv", "rejected")]
    assert (staged.rows_read, merged.rows_taken, len(merged.batches)) == (0, 0, 2)
    assert pipeline.files("archive") == {"a.csv": lines().encode()}
    assert pipeline.states() == {"a.csv": ["MERGED"], "b.csv": ["REJECTED"]}
    assert pipeline.stage().files == ()


def test_a_file_that_may_not_be_whole_is_left_for_ten_minutes(pipeline: Pipeline) -> None:
    """Then an empty one is rejected, and a last row without a line end is loaded with a warning, or quarantined."""
    left = [pipeline.drop("empty.csv", ""), pipeline.drop("cut.csv", lines(order(1), order(2)).removesuffix("\n"))]
    pipeline.drop("whole.csv", lines(order(3), order(4)))
    staged = pipeline.stage()
    assert {file.path: file.outcome for file in staged.files} == {
        "whole.csv": "staged",
        **dict.fromkeys(("cut.csv", "empty.csv"), "deferred"),
    }
    assert staged.warnings == ()
    for file in left:
        age(file)
    staged = pipeline.stage()
    assert {file.path: (file.outcome, file.reason) for file in staged.files} == {
        "cut.csv": ("staged", None),
        "empty.csv": ("rejected", "it is empty"),
    }
    assert staged.warnings == ("no line end follows the last row, which may be cut: cut.csv",)
    assert set(staged_rows(pipeline)) == {"T1", "T2", "T3", "T4"}
    assert pipeline.files("rejected") == {"empty.csv": b"", "empty.csv.reason.txt": b"it is empty\n"}
    # Where the environment says so, such a row is quarantined.
    cut = order(7, updated="2026-01-02")
    pipeline.drop("a.csv", f"\r\n{lines(order(5), ' ', order(6), '', end=chr(13) + chr(10))}{cut}", minutes_ago=11)
    pipeline.drop("b.csv", lines(order(8)))
    staged = pipeline.stage(policy=Policy(cut_rows=CutRows.QUARANTINE))
    assert set(staged_rows(pipeline)) == {"T1", "T2", "T3", "T4", "T5", "T6", "T8"}
    assert pipeline.quarantine() == [("a.csv", 3, [(None, "malformed")])]
    assert (staged.rows_read, staged.rows_staged, staged.rows_quarantined) == (4, 3, 1)


def quoted(number: int, address: str) -> str:
    return order(number).replace(f"{number} Main Street", address)


def age(file: Path) -> None:
    long_ago = (datetime.now(timezone.utc) - timedelta(minutes=11)).timestamp()
    os.utime(file, (long_ago, long_ago))


def test_a_file_that_cannot_be_loaded_does_not_stop_the_others(pipeline: Pipeline) -> None:
    longest = f"{'ü' * 125}.csv"  # It leaves no room for `.reason.txt`.
    not_utf_8 = "a\udcff\x1b.csv"
    bad = {
        "columns.csv": b"tracking_num,status\nT1,x\n",
        "bytes.csv": b"\xff\xfe\x00",
        "in.gz": lines(order(1)).encode(),
        longest: b"no header\n",
        not_utf_8: lines(order(1)).encode(),
    }
    for path, content in bad.items():
        pipeline.drop(path, content)
    pipeline.drop("good.csv", lines(order(1)))
    staged = pipeline.stage("1")
    assert {file.path: file.outcome for file in staged.files} == {
        "good.csv": "staged",
        **dict.fromkeys(bad, "rejected"),
    }
    # A name that cannot be printed can be told of.
    assert "a\\udcff\\x1b.csv: rejected" in str(staged).encode().decode()
    pipeline.merge("1")
    with pytest.raises(QualityGateError, match=r"a\\udcff\\x1b.csv"):
        pipeline.gate("1", max_rejected_files=0)
    rejected = pipeline.files("rejected")
    [of_longest] = rejected.keys() - bad.keys() - {f"{path}.reason.txt" for path in bad}
    assert rejected.keys() == {*bad, *(f"{path}.reason.txt" for path in bad if path != longest), of_longest}
    assert of_longest.endswith(".reason.txt") and b"its header lacks" in rejected[of_longest]
    assert pipeline.statuses() == {"T1": "SHIPPED"}
    [of_columns] = pipeline.spark.table(pipeline.tables.ledger).where("path = 'columns.csv'").collect()
    assert of_columns.state == "REJECTED"


def test_columns_are_matched_by_name_in_any_order_and_spelling(pipeline: Pipeline) -> None:
    headers = [
        ["last_update_timestamp", "STATUS", "Tracking Num", "address"],
        [" Last Update Timestamp ", "Status", "TrackingNum", "ADDRESS"],
        ["lastupdatetimestamp", "status", "tracking__num", "Address"],
    ]
    for number, header in enumerate(headers):
        row = ["2026-01-02 10:00:00", "SHIPPED", f"T{number}", "x"]
        pipeline.drop(f"{number}.csv", csv_text([row], header))
    # Files of one batch need not have the same columns.
    pipeline.drop("all.csv", lines(order("all")))
    fewest = ["status", "last_update_timestamp", "tracking_num"]
    pipeline.drop("fewest.csv", csv_text([["DELIVERED", LATER, "Tfewest"]], fewest))
    staged = pipeline.stage()
    paths = [f"{name}.csv" for name in (0, 1, 2, "all", "fewest")]
    assert {file.path: file.rows_staged for file in staged.files} == dict.fromkeys(paths, 1)
    assert {key: row[1:6] for key, row in staged_rows(pipeline).items()} == {
        **dict.fromkeys(("T0", "T1", "T2"), (None, "SHIPPED", "x", None, None)),
        "Tall": ("Oall", "SHIPPED", "all Main Street", "2026-01-01", None),
        "Tfewest": (None, "DELIVERED", None, None, None),
    }


def test_what_is_not_loaded_stays_where_it_is_and_is_told(pipeline: Pipeline) -> None:
    pipeline.landing.mkdir(parents=True)
    (pipeline.landing / "link").symlink_to(".")
    told = "Nothing has arrived.\nWarning: link/: it is a link; put there what it leads to."
    assert str(pipeline.stage()) == told
    for path in (".a.csv", "_a.csv", "_x/a.csv", "a.csv.tmp"):
        pipeline.drop(path, lines(order(1)))
    pipeline.drop(".keep", "")
    left = {file.path: (file.outcome, str(file.reason)) for file in pipeline.stage().files}
    hidden = "its name, or a folder's, starts with . or _"
    assert left == {
        ".a.csv": ("left alone", hidden),
        "_a.csv": ("left alone", hidden),
        "_x/": ("left alone", hidden),
        "a.csv.tmp": ("left alone", "its name ends in .tmp, so it is not finished: its writer renames it"),
    }
    assert set(pipeline.files("file_arrival")) == {".a.csv", ".keep", "_a.csv", "_x/a.csv", "a.csv.tmp"}


def test_a_file_may_have_any_name_and_be_in_any_folder(pipeline: Pipeline) -> None:
    names = ["a b.csv", "p%20q.csv", "ü€.csv", "c,d.csv", "g[1].csv", "g{1,2}.csv", "*.csv", "q?.csv", "+&;$#'\".csv"]
    names += ["back\\slash.csv", "[.csv", "line\nbreak.csv", "no-ending", "${x}.csv"]
    names += ["north/2026/a.csv", "status=x/a.csv", "status=y/a.csv"]
    for number, name in enumerate(names):
        pipeline.drop(name, lines(order(number)))
    staged, _ = pipeline.run()
    assert {file.path: (file.outcome, file.rows_staged) for file in staged.files} == dict.fromkeys(names, ("staged", 1))
    assert set(pipeline.files("archive")) == set(names)
    rows = pipeline.table("orders_table", "_source_file", "tracking_num", "status")
    by_file = {path: tuple(values) for path, *values in rows}
    assert by_file == {name: (f"T{number}", "SHIPPED") for number, name in enumerate(names)}


def test_bad_rows_are_quarantined_with_their_reasons_and_unknown_columns_are_told(pipeline: Pipeline) -> None:
    """Each file is alone in its batch, as most are."""
    bad = [
        ",O1,SHIPPED,x,2026-01-01,,2026-01-02 10:00:00",
        "T2,O1,  ,x,01/02/2026,2026-02-30,10:00",
        "T3,O1,SHIPPED,x",
        f"{order(4)},extra",
        ",,,,,,",
    ]
    pipeline.drop("bad.csv", lines(order(1), *bad, "", "   ", order(5)))
    # Python has none of these times, but that of `old`.
    times = ["0000-01-01 00:00:00", "0001-01-01T00:00:00+14:00", "0000-12-31"]
    rows = [order(number, updated=updated) for number, updated in enumerate(times)]
    old = order("old", updated="0001-01-02 00:00:00")
    pipeline.drop("times.csv", lines(*rows, order(8).replace("2026-01-01", "0000-06-01"), old))
    header = [*COLUMNS, "it's new", "", "", "it's new", "${env:HOME}"]
    pipeline.drop(
        "unknown.csv", csv_text([[*order("unknown").split(","), "1", "2", "3", "4", "5"], [*["x"] * 12]], header)
    )
    staged, _ = pipeline.run(Policy(max_files_of_a_batch=1))
    files = {file.path: file for file in staged.files}
    counts = {path: (file.rows_read, file.rows_staged, file.rows_quarantined) for path, file in files.items()}
    assert counts == {"bad.csv": (7, 2, 5), "times.csv": (5, 1, 4), "unknown.csv": (2, 1, 1)}
    assert files["unknown.csv"].unknown_columns == ("it's new", "", "", "it's new", "${env:HOME}")
    told = "columns that the contract does not know: it's new, , , it's new, ${env:HOME}, in unknown.csv"
    assert staged.warnings == (told,)
    quarantined = sorted(
        (row._source_file, row._row_number, [(reason.column, reason.rule) for reason in row.reasons], row.raw_row)
        for row in pipeline.table("quarantined_orders_table")
    )
    wrong_types = [(name, "type") for name in ("received_date", "delivery_date", "last_update_timestamp")]
    assert [(file, number, reasons) for file, number, reasons, _ in quarantined] == [
        ("bad.csv", 2, [("tracking_num", "required")]),
        ("bad.csv", 3, [("status", "required"), *wrong_types]),
        ("bad.csv", 4, [(None, "malformed")]),
        ("bad.csv", 5, [(None, "malformed")]),
        ("bad.csv", 6, [(name, "required") for name in ("tracking_num", "status", "last_update_timestamp")]),
        *(("times.csv", number, [("last_update_timestamp", "type")]) for number in (1, 2, 3)),
        ("times.csv", 4, [("received_date", "type")]),
        ("unknown.csv", 2, wrong_types),
    ]
    raw_rows = {(file, number): raw_row for file, number, _, raw_row in quarantined}
    assert raw_rows["bad.csv", 4] == "T3,O1,SHIPPED,x"
    assert '"received_date":"01/02/2026"' in raw_rows["bad.csv", 3]
    of_unknown = raw_rows["unknown.csv", 2]
    assert '"it\'s new":"x"' in of_unknown and '"${env:HOME}":"x' in of_unknown
    years = {row.tracking_num: row.last_update_timestamp.year for row in pipeline.table("orders_table")}
    assert years == {**dict.fromkeys(("T1", "T5", "Tunknown"), 2026), "Told": 1}


def test_rows_are_counted_by_file_and_one_of_very_many_values_is_malformed_as_any_other(pipeline: Pipeline) -> None:
    wide = order(9) + 25_000 * ","
    quoted_wide = quoted(9, '"x"') + 70_000 * ",1"
    in_many_lines = ",".join(['"\n"'] * 30_000)
    of_many_values = {
        "plain": (wide,),
        "quoted": (quoted_wide,),
        "beside lines": (wide, quoted(6, '"a\nb"')),
        "cut": (quoted_wide[:-1],),
        "in many lines": (in_many_lines, order(7)),
        "with a stray quote": (f'{in_many_lines},"a" b', order(8)),
    }
    files = {
        "a": lines(order("a"), "x"),
        "b": lines("x", "y"),
        "c": lines(order("c1"), order("c2")),
        # A form feed at the end is no row.
        **{f"d{n}": lines(order(f"d{n}")) + end for n, end in enumerate(("\x0c", " \x0c", "\x0c\n", "\r\n\x0c\r\n"))},
        **{name: lines(order(name), *rows) for name, rows in of_many_values.items()},
    }
    files["cut"] = files["cut"].removesuffix("\n")
    for name, content in files.items():
        pipeline.drop(f"{name}.csv", content, minutes_ago=11)
    staged, _ = pipeline.run()
    assert {file.outcome for file in staged.files} == {"staged"}
    counts = {file.path: (file.rows_read, file.rows_staged, file.rows_quarantined) for file in staged.files}
    assert counts == {
        **{"a.csv": (2, 1, 1), "b.csv": (2, 0, 2), "c.csv": (2, 2, 0)},
        **{f"d{number}.csv": (1, 1, 0) for number in range(4)},
        **{f"{name}.csv": (1 + len(rows), len(rows), 1) for name, rows in of_many_values.items()},
    }
    of_counted = {"Ta", "Tc1", "Tc2", *(f"Td{number}" for number in range(4))}
    assert set(pipeline.statuses()) == {*of_counted, *(f"T{name}" for name in of_many_values), "T6", "T7", "T8"}
    quarantined = pipeline.quarantine()
    assert {tuple(reasons) for *_, reasons in quarantined} == {((None, "malformed"),)}
    numbers = [(file, number) for file, number, _ in quarantined if file in ("a.csv", "b.csv")]
    assert numbers == [("a.csv", 2), ("b.csv", 1), ("b.csv", 2)]


def closed_by_a_later_stray_quote() -> dict[str, str]:
    """Files with values in quotes that hold rows, and a last one, `c`, whose values are what they are."""
    floor, unit = quoted(31, '"12 Main Street, Floor 2'), quoted(33, 'Side Street, Unit 5"')
    first, last = quoted(41, '"Main'), quoted(43, 'Side"')
    header = "last_update_timestamp,tracking_num,status,order_num,address"
    time_first = [
        '7,"Main Street',
        "2026-01-02 10:00:00,T8,SHIPPED,8,Main Street",
        '2026-01-03,T9,SHIPPED,9,Side Street"',
    ]
    no_time, too_long = "T22,O22,SHIPPED,22 Main Street,2026-01-01,,", f"{order(23)},"
    return {
        "a": lines(order(1), quoted(2, '"Main Street'), order(3), quoted(4, 'Main Street"')),
        # The time may come before the value that is quoted.
        "b": lines(f"2026-01-01,T7,SHIPPED,{time_first[0]}", *time_first[1:], header=header),
        # A stray quote that is closed only after thousands of rows.
        "d": lines(quoted(10, '"Main'), *map(order, range(10_000, 15_000)), quoted(11, 'Side"')),
        # What was swallowed need not be rows, each and all.
        "e": lines(quoted(20, '"Main'), "", order(21), no_time, too_long, quoted(24, 'Side"')),
        # Addresses have commas of their own, before the rows that were swallowed and after them.
        "f": lines(floor, order(32), quoted(33, 'Unit 5"'), quoted(34, '"Main'), order(35), unit),
        # The first row may lack its time, or have a bad one, the last one its key, and keys may have blanks.
        "g": lines(first.replace("2026-01-02 10:00:00", ""), order(42), last),
        "h": lines(first.replace("2026-01-02 10:00:00", "02/01/2026 10:00"), last),
        "i": lines(first.replace("T41", "T 41"), last.replace("T43", "T 43")),
        "j": lines(first, last.replace("T43", "")),
        "k": lines(first.replace("10:00:00", "10:00:00 UTC"), last),
        # An address may span lines, and have commas in any number of them.
        "c": lines(quoted(5, '"12, Main Street, Floor 2, left\nBerlin, Mitte, 10115, DE"'), order(6)),
    }


def values_with_line_breaks_and_commas() -> dict[str, str]:
    """Files with values in quotes that look a little like rows; the last row of `d` holds one."""
    address = '"12, Main Street, Floor 2, left, until 24.12.2026\nRear building, Berlin, Mitte, 10115, DE"'
    phone = '"Main Street 1, Floor 2, tel. 555-12-3456\nRear building, Berlin, Mitte, DE"'
    number = phone.replace("tel. ", "")
    note = '"Customer called.\n2026-11-21: at door, rang twice, no answer, will retry, tomorrow"'
    header = "tracking_num,status,address,last_update_timestamp"
    note_last = "last_update_timestamp,tracking_num,status,note"
    # Very many lines are looked through, each of them.
    text = '"Main Street, 1,,,' + "\n,,,,,," * 200_000 + '\nx, y, z, a"'
    return {
        "a": lines(quoted(51, address)),
        "b": lines(f"T52,NEW,{phone},{LATER}", f"T53,NEW,{number},{LATER}", header=header),
        "c": lines(f"{LATER},T54,NEW,{note}", header=note_last, end="\r\n"),
        "d": lines(quoted(55, text), quoted(56, text.replace("\nx,", f"\n{order(57)}\nx,"))),
    }


def never_closed() -> dict[str, str]:
    """Files with a quote that is not closed in the second of four rows."""
    unclosed = {
        "a": '{}2,O2,"SHIPPED,x,2026-01-01,,2026-01-02 10:00:00',
        "b": '{}2,O2,SHIPPED,x,2026-01-01,,"2026-01-02 10:00:00',
    }
    files = {
        name: lines(order(f"{name}1"), row.format(f"T{name}"), order(f"{name}3"), order(f"{name}4"))
        for name, row in unclosed.items()
    }
    # In the last column, another stray quote may follow.
    header = ["tracking_num", "last_update_timestamp", "status", "address"]
    for name, closing in (("c", ""), ("d", '"y')):
        text = csv_text([[f"T{name}1", LATER, "SHIPPED", "x"]], header)
        text += f'T{name}2,{LATER},SHIPPED,"x\nT{name}3,{LATER},SHIPPED,{closing}\nT{name}4,{LATER},SHIPPED,z\n'
        files[name] = text
    return files


def test_a_stray_quote_swallows_no_row_in_silence_and_a_value_that_spans_lines_is_no_row(pipeline: Pipeline) -> None:
    kinds = {
        "closed": closed_by_a_later_stray_quote(),
        "spanning": values_with_line_breaks_and_commas(),
        "unclosed": never_closed(),
    }
    for kind, files in kinds.items():
        for name, content in files.items():
            pipeline.drop(f"{kind}/{name}.csv", content)
    staged, _ = pipeline.run()
    loaded = set(pipeline.statuses())
    rows = sorted(
        (row._source_file, row._row_number, [(reason.column, reason.rule) for reason in row.reasons], row.raw_row)
        for row in pipeline.table("quarantined_orders_table")
    )
    counts = {file.path: (file.rows_read, file.rows_staged, file.rows_quarantined) for file in staged.files}

    # Every row that holds others is in quarantine, and no other one.
    of_unclosed = {key for key in loaded if key[1] in "abcd"}
    assert loaded - of_unclosed == {"T1", "T5", "T6", *(f"T{number}" for number in range(51, 56))}
    malformed = [(None, "malformed")]
    assert [(path, reasons) for path, _, reasons, _ in rows if path.startswith("closed/")] == [
        (f"closed/{name}.csv", malformed) for name in "abdeffghijk"
    ]
    of_closed = [each for path, each in counts.items() if path.startswith("closed/")]
    assert tuple(map(sum, zip(*of_closed, strict=True))) == (14, 3, 11)
    assert [(path, number) for path, number, *_ in rows if path.startswith("spanning/")] == [("spanning/d.csv", 2)]

    # What comes after a quote that is not closed is loaded, or can be found in the quarantine.
    assert [counts[f"unclosed/{name}.csv"][::2] for name in "ab"] == [(2, 1), (2, 1)]
    assert of_unclosed >= {"Ta1", "Tb1", "Tc1", "Td1"}
    quarantined = "".join(raw_row for path, *_, raw_row in rows if path.startswith("unclosed/"))
    assert [name for name in "abcd" if f"T{name}2" not in quarantined] == []
    others = [f"T{name}{number}" for name in "abcd" for number in (3, 4)]
    assert [key for key in others if key not in loaded and key not in quarantined] == []


def test_swallowed_rows_are_noticed_whatever_orders_states(pipeline: Pipeline) -> None:
    columns = (Column("parcel", "string", required=True), Column("note", "string"), Column("version", "BIGINT"))
    pipeline.contract = Contract(columns, "parcel", "version")
    swallowed = ['T1,"a,1\nT2,b,2\nT3,c",3', 'T1,"a,\nT2,b,2\nT3,c",3', 'T1,"a,\nT2,b,\nT3,c",3', 'T1,"a,\nT3,c",3']
    innocent = ['T4,"Main Street, rear, floor 2\nring twice, please, thanks",1', 'T5,"Hello,\nring twice, please",1']
    pipeline.drop("a.csv", lines(*swallowed, *innocent, header="parcel,note,version"))
    staged = pipeline.stage()
    assert (staged.rows_staged, staged.rows_quarantined) == (2, 4)
    pipeline.merge()
    assert {row.parcel for row in pipeline.table("orders_table", "parcel")} == {"T4", "T5"}


def test_times_of_swallowed_rows_are_written_as_the_contract_has_them(pipeline: Pipeline) -> None:
    time = replace(ORDERS.column("last_update_timestamp"), formats=("dd MMM yyyy HH:mm", "yyyyMMddHHmm"))
    pipeline.contract = replace(ORDERS, columns=(*ORDERS.columns[:-1], time))
    header = "tracking_num,status,address,last_update_timestamp"
    for name, written in {"a": "02 Jan 2026 10:00", "b": "202601021000", "c": "2026-01-02T10:00Z"}.items():
        rows = (f'{name}1,NEW,"Main,{written}', f'{name}2,NEW,Side",{written}', f"{name}3,NEW,x,{written}")
        pipeline.drop(f"{name}.csv", lines(*rows, header=header))
    innocent = f'd3,NEW,"Main Street 12, Rear, 10115 Berlin\nFloor 2, left, ring twice, please",{LATER}'
    pipeline.drop("d.csv", lines(innocent, header=header))
    pipeline.stage()
    assert [name for name, *_ in pipeline.quarantine()] == ["a.csv", "b.csv", "c.csv"]
    assert set(staged_rows(pipeline)) == {"a3", "b3", "c3", "d3"}


def test_many_files_that_are_read_one_by_one_are_loaded(pipeline: Pipeline) -> None:
    """Each has a line of white space before its header, or a last row that may be cut, so its records are counted."""
    cut = [f"cut{number}.csv" for number in range(10)]
    skipped = [f"skipped{number}.csv" for number in range(30)]
    for path in cut:
        pipeline.drop(path, lines(order(path)).removesuffix("\n"), minutes_ago=11)
    for path in skipped:
        pipeline.drop(path, f" \n{lines(order(path))}")
    staged = pipeline.stage(policy=Policy(cut_rows=CutRows.QUARANTINE))
    counts = {file.path: (file.rows_staged, file.rows_quarantined) for file in staged.files}
    assert counts == {**dict.fromkeys(cut, (0, 1)), **dict.fromkeys(skipped, (1, 0))}


class Plan:
    """Stands for a query: how many of those that it is made of are within one another."""

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth

    def unionByName(self, other: "Plan") -> "Plan":
        return Plan(1 + max(self.depth, other.depth))

    def coalesce(self, _: int) -> "Plan":
        return self


def test_very_many_files_that_are_read_one_by_one_make_no_deep_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(lines(order(1)).removesuffix("\n"))
    found, content = look_at(tmp_path, path.name), inspect(path, ORDERS)
    assert found
    files = [
        ReadableFile(replace(found, path=f"{number}.csv"), tmp_path, found, content, path.name, last_may_be_cut=True)
        for number in range(1000)
    ]
    scans: list[list[ReadableFile]] = []

    def scan(spark: SparkSession, contract: Contract, files: list[ReadableFile], *_: Any) -> Plan:
        scans.append(files)
        return Plan()

    monkeypatch.setattr(order_rows, "_read_files_of_one_shape", scan)
    rows: Any = order_rows.read_order_rows(cast(SparkSession, None), ORDERS, files, utc_now())
    assert sorted(each.file.path for [each] in scans) == sorted(each.file.path for each in files)
    assert rows.depth <= 11  # Each level puts twice as many together.


def test_bad_rows_are_the_same_whether_they_were_seen_or_looked_for(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One or two are seen of a file that is alone in its batch, in parts of a few bytes where each line is a row."""
    bad, two = order(9).replace("2026-01-01", "someday"), [order(8, ""), "unsplit"]
    many = [order(number) for number in range(12)]
    files = {
        "first": lines(bad, *many),
        "last": lines(*many, bad),
        "middle": lines(*many[:6], "", "  ", bad, *many[6:], end="\r\n"),
        "two": lines(*many[:5], two[0], *many[5:], two[1]),
        "two in turn": lines(*two),
        "three": lines(bad, *many, *two),
        "quotes": lines(*many, quoted(7, '"a\n""b"""').replace("2026-01-01", '"x\ty"'), order(6)),
        "not plain": lines(*many, f"{bad},\x00\u00fc\U0001f4e6\\", order(5)),
        "long": lines(*many, bad.replace("Main", "x" * 10_000)),
    }
    settings = {"spark.sql.files.maxPartitionBytes": 200, "spark.sql.files.openCostInBytes": 0}
    found, looked_for = [], []
    read = load_batch.read_order_rows

    def reading(spark: SparkSession, contract: Contract, files: list[ReadableFile], *rest: Any) -> DataFrame:
        looked_for.extend(each.file.path for each in files if rest[-1])
        return read(spark, contract, files, *rest)

    monkeypatch.setattr(load_batch, "read_order_rows", reading)
    for files_of_a_batch in (1, len(files)):
        for name, content in files.items():
            pipeline.drop(f"{name}.csv", content)
        with session_settings(pipeline.spark, settings):
            staged = pipeline.stage(policy=Policy(max_files_of_a_batch=files_of_a_batch))
        assert {file.outcome for file in staged.files} == {"staged"}
        newest = f"_batch_id >= '{min(staged.batch_ids)}'"
        columns = [name for name in pipeline.spark.table(pipeline.tables.quarantine).columns if "_batch_id" not in name]
        rows = pipeline.spark.table(pipeline.tables.quarantine).where(newest).select(*columns).drop("_quarantined_at")
        found.append(sorted(map(str, rows.collect())))
    assert found[0] == found[1]
    assert len(found[0]) == 13
    assert sorted(looked_for) == sorted([f"{name}.csv" for name in files] + ["long.csv", "three.csv"])


def test_bad_rows_have_their_numbers_also_where_a_task_reads_several_parts(pipeline: Pipeline) -> None:
    rows = [order(number).replace("2026-01-01", "someday") if number == 15 else order(number) for number in range(20)]
    pipeline.drop("a.csv", lines(*rows))
    settings = {
        "spark.sql.files.maxPartitionBytes": 200,
        "spark.sql.files.openCostInBytes": 0,
        "spark.sql.files.maxPartitionNum": 2,
    }
    with session_settings(pipeline.spark, settings):
        pipeline.stage()
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [("a.csv", 16)]


def test_a_large_file_is_read_in_parts(pipeline: Pipeline) -> None:
    """More than Spark takes for one part of it, and than the merge takes for little."""
    row, rows = ",ORD,SHIPPED,Main Street,2026-01-01,,2026-01-02 10:00:00", 120_000
    content = [f"T{number}{row}" for number in range(rows)]
    content[rows - 10] = "bad"
    pipeline.drop("a.csv", lines(*content))
    staged, merged = pipeline.stage(), pipeline.merge()
    assert (staged.rows_staged, staged.rows_quarantined, merged.inserted) == (rows - 1, 1, rows - 1)
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [("a.csv", rows - 9)]
    last = pipeline.table("stage_orders_table", "max_by(tracking_num, _row_id) AS key", "max(_row_id) >> 33 AS part")
    assert [tuple(each) for each in last] == [(f"T{rows - 1}", 1)]


def test_a_file_has_the_same_rows_whether_it_is_read_in_parts_or_as_a_whole(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts of a few bytes, which begin and end in the middle of rows and of values in quotes."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    values = [*("T1", " x ", "", "  ", '""', '"x" ', '"a,b"', '"a""b"', '"x"""', '"\\"', "\\", "#", "2026-01-01")]
    files: list[ReadableFile] = []
    while len(files) < 12:
        end = chance.choice(["\n", "\r\n"])
        rows = [",".join(chance.choices(values, k=chance.choice([7, 7, 7, 6, 8, 1]))) for _ in range(10)]
        path = tmp_path / f"{len(files)}.csv"
        path.write_text(lines(*rows, chance.choice(["", "  "]), end=end), newline="")
        file = look_at(tmp_path, path.name)
        assert file
        readable = ReadableFile(file, tmp_path, file, inspect(path, ORDERS), path.name)
        if order_rows.is_divisible([readable]):
            files.append(readable)
    read: list[dict[str, list[str]]] = []
    for bytes_of_a_part, divisible in ((48, True), (10**8, False)):
        settings = {"spark.sql.files.maxPartitionBytes": bytes_of_a_part, "spark.sql.files.openCostInBytes": 0}
        with monkeypatch.context() as patch, session_settings(spark, settings):
            patch.setattr(order_rows, "is_divisible", lambda _, divisible=divisible: divisible)
            # Each file is read by itself, and all of them are asked for at once, which takes less time.
            alone = [order_rows.read_order_rows(spark, ORDERS, [each], utc_now()) for each in files]
            found = order_rows._all_of(alone).collect()
        of_files: dict[str, list[str]] = {}
        for each in files:
            of_file = [row for row in found if row._source_file == each.file.path]
            parts = [(row._part_at, row._row_id & order_rows.NUMBER_IN_TASK) for row in of_file]
            numbers = [find_row(each.location, part_at, number + 1) for part_at, number in parts]
            expected = list(range(1, len(of_file) + 1))
            told = each.location.read_bytes()
            assert not divisible or [number and number[0] for number in numbers] == expected, told
            assert len(of_file) == each.content.records, told
            differing = ("_row_id", "_part_at")
            of_files[each.file.path] = [
                str({k: v for k, v in row.asDict().items() if k not in differing}) for row in of_file
            ]
        read.append(of_files)
    for each in files:
        in_parts, as_a_whole = (of_files[each.file.path] for of_files in read)
        assert in_parts == as_a_whole, each.location.read_bytes()
