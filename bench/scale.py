"""Time what grows: many files, many headers, bad rows, large files. Each beside what it is compared to, on one machine.

Usage: python bench/scale.py [arrival] [spellings] [bad-row] [large-file]

    arrival     10,000 files of 10 rows in one arrival
    spellings   300 files that spell their headers in 300 ways, against 300 that spell them in one
    bad-row     a bad row in 300,000, against none
    large-file  a file of 2 GB: how many cores it takes, and how much memory

It fails where one is slower than it may be.
"""

import contextlib
import io
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from pyspark.sql import SparkSession

sys.path.extend(str(Path(__file__).resolve().parent.parent / folder) for folder in ("notebooks", "local"))

from order_tracking.tables.tables import Tables
from order_tracking.tasks.quality_gate import quality_gate
from order_tracking.tasks.source_to_stage import source_to_stage
from order_tracking.tasks.stage_to_final import stage_to_final
from pipeline import HEADER, Case, TutorialWay
from spark_session import create_spark_session

ALLOWED_SECONDS_OF_ARRIVAL = 60
ALLOWED_RATIO_OF_SPELLINGS = 2
ALLOWED_RATIO_OF_BAD_ROW = 1.1
LARGE_FILE_BYTES = 2 * 10**9
#: Of two cores, both for most of the time.
ALLOWED_CORES_OF_LARGE_FILE = 1.5


class Home:
    """The tables and directories of a pipeline."""

    def __init__(self, spark: SparkSession, directory: Path) -> None:
        """Create them."""
        name = f"home_{uuid4().hex[:8]}"
        self.spark, self.volume, self.checkpoint = spark, directory / name, directory / f"{name}_checkpoint"
        self.landing = self.volume / "file_arrival"
        self.landing.mkdir(parents=True)
        self.tables = Tables("spark_catalog", name, f"{name}_operations")
        self.run()  # Makes the tables.

    def run(self) -> None:
        """Run the three tasks of the job."""
        run_id = uuid4().hex
        with contextlib.redirect_stdout(io.StringIO()):
            source_to_stage(self.spark, self.tables, str(self.volume), str(self.checkpoint), run_id)
            stage_to_final(self.spark, self.tables, str(self.checkpoint), run_id)
            quality_gate(self.spark, self.tables, str(self.checkpoint), run_id, 100, 0)

    def count(self) -> int:
        """Count the orders."""
        return self.spark.table(self.tables.orders).count()


def seconds_of(work: Callable[[], object]) -> float:
    """Time it."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(number: int, bad: bool = False) -> str:
    """A row of an order that no other file has."""
    day = "someday" if bad else "2026-01-01"
    return f"TRK{number:09d},ORD{number:09d},SHIPPED,{number} Main Street,{day},2026-02-01,2026-02-01 00:00:00"


def write(path: Path, first: int, rows: int, header: str = HEADER, bad: int = 0) -> None:
    """Write a file of so many orders, of which the first ones are bad."""
    lines = [header, *(row(first + i, i < bad) for i in range(rows)), ""]
    path.write_text("\n".join(lines))


def arrival(spark: SparkSession, directory: Path) -> bool:
    """10,000 files of 10 rows in one arrival."""
    files, rows = 10_000, 10
    home = Home(spark, directory)
    write(home.landing / "warm.csv", 10**8, rows)
    home.run()
    tutorial = TutorialWay(spark, directory, Case(orders=0, rows=rows, warm_ups=0, repetitions=1))
    for way, count in ((tutorial, files // 10), (home, files)):
        for i in range(count):
            write(way.landing / f"orders_{i}.csv", i * rows, rows)
    theirs = seconds_of(lambda: [getattr(tutorial, task)() for task in tutorial.tasks])
    ours = seconds_of(home.run)
    assert home.count() == (files + 1) * rows
    print(f"{files:,} files of {rows} rows: {ours:.1f} s, allowed {ALLOWED_SECONDS_OF_ARRIVAL}; ", end="")
    print(f"the tutorial's way takes {theirs:.1f} s for a tenth of them")
    return ours <= ALLOWED_SECONDS_OF_ARRIVAL


def spelling(number: int) -> str:
    """The header as one of many senders spells it: with capitals and blanks of its own."""
    names = HEADER.split(",")
    spelled = [name.upper() if number >> i & 1 else name for i, name in enumerate(names)]
    return " " * (number >> len(names)) + ",".join(spelled)


def spellings(spark: SparkSession, directory: Path) -> bool:
    """300 header spellings against one."""
    files, rows, turns = 300, 10, 3
    home = Home(spark, directory)
    seconds: dict[str, list[float]] = {"one": [], "all": []}
    for turn in range(1 + turns):
        for name, times in seconds.items():
            for i in range(files):
                number = (turn * 2 * files + (name == "all") * files + i) * rows
                write(home.landing / f"{name}_{turn}_{i}.csv", number, rows, spelling(i * (name == "all")))
            times.append(seconds_of(home.run))
    assert home.count() == 2 * (1 + turns) * files * rows
    one, each = (statistics.median(times[1:]) for times in seconds.values())
    print(f"{files} files, one spelling of the header {one:.2f} s, {files} spellings {each:.2f} s: ", end="")
    print(f"ratio {each / one:.2f}, allowed {ALLOWED_RATIO_OF_SPELLINGS}")
    return each / one <= ALLOWED_RATIO_OF_SPELLINGS


def bad_row(spark: SparkSession, directory: Path) -> bool:
    """One bad row in 300,000 against none."""
    rows, turns = 300_000, 7
    home = Home(spark, directory)
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(2 + turns):
        for bad, times in seconds.items():
            write(home.landing / f"bad_{bad}_{turn}.csv", 0, rows, bad=bad)
            times.append(seconds_of(home.run))
    none, one = (statistics.median(times[2:]) for times in seconds.values())
    print(f"{rows:,} rows, none bad {none:.2f} s, one bad {one:.2f} s: ", end="")
    print(f"ratio {one / none:.2f}, allowed {ALLOWED_RATIO_OF_BAD_ROW}")
    return one / none <= ALLOWED_RATIO_OF_BAD_ROW


def large_file(spark: SparkSession, directory: Path) -> bool:
    """How many cores a file of 2 GB keeps at work, and how much memory it takes."""
    home = Home(spark, directory)
    write(home.landing / "warm.csv", 10**8, 1000)
    home.run()
    rows = 0
    with (home.landing / "large.csv").open("w") as file:
        file.write(f"{HEADER}\n")
        while file.tell() < LARGE_FILE_BYTES:
            file.write("".join(f"{row(rows + i)}\n" for i in range(100_000)))
            rows += 100_000
    children = subprocess.run(["pgrep", "-P", str(os.getpid()), "java"], capture_output=True, text=True, check=True)
    java = int(children.stdout.split()[0])
    before = processor_seconds(java)
    seconds = seconds_of(home.run)
    cores = (processor_seconds(java) - before) / seconds
    status = dict(line.split(":", 1) for line in Path(f"/proc/{java}/status").read_text().splitlines())
    peak, own = int(status["VmHWM"].split()[0]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert home.count() == rows + 1000
    print(f"a file of 2 GB, {rows:,} rows: {seconds:.0f} s, {cores:.2f} cores of {os.cpu_count()}, ", end="")
    print(f"at most {peak >> 10} MB of Java (its heap may be 2 GB) and {own >> 10} MB of Python")
    return cores >= ALLOWED_CORES_OF_LARGE_FILE


def processor_seconds(java: int) -> float:
    """What this process and Spark's took of the processors."""
    fields = Path(f"/proc/{java}/stat").read_text().rsplit(")", 1)[1].split()
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


CASES = {"arrival": arrival, "spellings": spellings, "bad-row": bad_row, "large-file": large_file}


def main() -> int:
    """Return 1 if something takes longer than it may."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    good = True
    with tempfile.TemporaryDirectory(prefix="order-tracking-bench-") as directory:
        spark = create_spark_session(Path(directory) / "tables")
        for name in sys.argv[1:] or CASES:
            good &= CASES[name](spark, Path(directory))
            sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
