"""Load files of odd bytes, and account for every record: `npm run test:fuzz [-- --files N --seed N]`.

The records of a file are counted in its bytes, without Spark; the pipeline compares that with what Spark read. The
seed, which is printed, gives the same files again.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from connect_server import ConnectServer
from pipeline import HEADER, Pipeline
from pyspark.sql import SparkSession

_GOOD = ["T1", "O1", "SHIPPED", "1 Main Street", "2026-01-01", "", "2026-01-02 10:00:00"]
_VALUES = ["", "T1", "O1", "SHIPPED", "2026-01-02", "2026-01-02 10:00:00", "1 Main Street", " x ", "#", "\\", "'", ";"]
_QUOTED = ['""', '"x"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '""""', '"a" ', '"\n"', '"a\n\nb"', '" \r"']
_BADLY_QUOTED = ['"', '"a', 'a"', '"a"b', '"a" b', '"a""', '5" pipe', '"a"\r', '"a"\t"b"', '""x', '"a\nb"c', '"a"\x00b']
_ODD = [
    *("\r", "\r\r", "a\rb", "\t", "\x00", "\x01", "\x0b", "\x0c", "\x1a", "\x1c", "\x7f", "\x85", "\u2028", "\ufeff"),
    *("\u00a0", "u\u0308", "\u1100\u1161", "ü", "\U0001f4e6", "\u200b", "\\n", "\x00T1", '\u00a0"a"', "e\u0301\n"),
]
_BLANK_LINES = ["", " ", "\t", "\r", " \r", "\r\r", "  \t", "\x0c", " \x0c"]
_LINE_STARTS = ["#", "\x00", "\ufeff", "--", '"'] + [""] * 40


def odd_file(chance: random.Random) -> bytes:
    """The bytes of a file that somebody might send, or cut, or save in the wrong program."""
    values = list(_VALUES)
    for kind, likely in ((_QUOTED, 0.6), (_BADLY_QUOTED, 0.3), (_ODD, 0.4)):
        if chance.random() < likely:
            values += kind
    ends = chance.choice([["\n"], ["\n"], ["\r\n"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]])
    blank_first = chance.random() < 0.03
    lines = [HEADER if chance.random() < 0.9 else ",".join(f'"{name}"' for name in HEADER.split(","))]
    if blank_first:
        lines = [chance.choice(_BLANK_LINES) for _ in range(chance.randint(1, 2))] + lines
    for _ in range(chance.choice([0, 1, 2, 3, 5, 8, 40])):
        if chance.random() < 0.1:
            lines.append(chance.choice(_BLANK_LINES))
            continue
        # Most values are good, so that many rows are, too.
        row = [chance.choice(values) if chance.random() < 0.15 else value for value in _GOOD]
        if chance.random() < 0.2:
            row = row[: chance.randint(1, 7)] + chance.choices(values, k=chance.randint(0, 2))
        lines.append(chance.choice(_LINE_STARTS) + ",".join(row))
    text = "".join(line + chance.choice(ends) for line in lines)
    if chance.random() < 0.05:
        text = "\ufeff" + text
    content = text.encode(chance.choice(["utf-8"] * 30 + ["latin-1", "utf-16"]), errors="replace")
    if chance.random() < 0.2:
        content = content[: chance.randint(0, len(content))]
    return content


@dataclass(frozen=True)
class Accounted:
    """What became of the files."""

    loaded: int
    rejected: int
    rows: int


def load_odd_files(pipeline: Pipeline, count: int, seed: int) -> Accounted:
    """Load files that chance makes.

    Raises:
        AssertionError: If a record of one is unaccounted for, or a file.
    """
    chance = random.Random(seed)
    sent = time.time() - 3600
    for number in range(count):
        file = pipeline.drop(f"{number // 1000}/{number}.csv", odd_file(chance))
        os.utime(file, (sent, sent))
    staged = pipeline.stage()
    assert len(staged.files) == count
    loaded = [file for file in staged.files if file.outcome == "staged"]
    rejected = [file for file in staged.files if file.outcome == "rejected"]
    assert len(loaded) + len(rejected) == count
    of_records = [file for file in rejected if "were staged and" in str(file.reason)]
    assert of_records == [], "\n".join(f"{file.path}: {file.reason}" for file in of_records[:20])
    unloadable = [file for file in rejected if "could not be loaded" in str(file.reason)]
    assert unloadable == [], "\n".join(f"{file.path}: {file.reason}" for file in unloadable[:20])
    for file in loaded:
        assert file.rows_read == (file.rows_staged or 0) + (file.rows_quarantined or 0)
    rows = sum(file.rows_read or 0 for file in loaded)
    tables = ("stage_orders_table", "quarantined_orders_table")
    assert sum(pipeline.spark.table(pipeline.full_name(name)).count() for name in tables) == rows
    return Accounted(len(loaded), len(rejected), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory, ConnectServer(Path(directory) / "tables") as server:
        spark = SparkSession.builder.remote(server.url()).create()
        with redirect_stdout(sys.stderr):
            found = load_odd_files(Pipeline(spark, "fuzz", Path(directory) / "volume"), arguments.files, arguments.seed)
    print(f"{found.loaded} files with {found.rows} rows loaded, {found.rejected} rejected, no record unaccounted for")


if __name__ == "__main__":
    main()
