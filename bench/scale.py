"""Time what grows: many files, many headers, bad rows, large files. Each beside what it is compared to, on one machine.

Usage: python bench/scale.py [arrival] [round-trips] [spellings] [bad-row] [large-file] [year] [upserts]

    arrival     10,000 files of 10 rows in one arrival
    round-trips 1,000 files of 10 rows where each operation on a file takes 20 ms, as it does on a volume
    spellings   300 files that spell their headers in 300 ways, against 300 that spell them in one
    bad-row     a bad row in 300,000, against none
    large-file  a file of 2 GB: how many cores it takes, and how much memory
    year        runs, questions and a night after a year of 26,000 runs, 520,000 files and 10 million rows, against
                after a day
    upserts     600,000 rows, half of them new, into 60 million orders

It fails where one is slower than it may be.
"""

import contextlib
import io
import itertools
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import SparkSession

sys.path.extend(str(Path(__file__).resolve().parent.parent / folder) for folder in ("notebooks", "local"))

from order_tracking.clock import utc_now
from order_tracking.tasks.upkeep import upkeep
from pipeline import HEADER, Case, Home, ThisWay, TutorialWay
from spark_session import create_spark_session

ALLOWED_SECONDS_OF_ARRIVAL = 60
ROUND_TRIP_SECONDS, ALLOWED_SHARE_OF_ROUND_TRIPS = 0.02, 0.15
ALLOWED_RATIO_OF_SPELLINGS = 2
ALLOWED_RATIO_OF_BAD_ROW = 1.1
LARGE_FILE_BYTES = 2 * 10**9
#: A run every 20 minutes, as many files and rows in each, and as many orders after a day as after a year.
RUNS_OF_A_DAY, RUNS_OF_A_YEAR, FILES_OF_A_RUN, ROWS_OF_A_RUN, ORDERS_OF_A_YEAR = 72, 26_000, 20, 385, 1_000_000
ALLOWED_RATIO_OF_YEAR, YEAR_TURNS = 1.2, 7
#: Of two cores, both for most of the time.
ALLOWED_CORES_OF_LARGE_FILE = 1.5
ORDERS_OF_UPSERTS, ROWS_OF_UPSERTS = 60_000_000, 600_000


def new_home(spark: SparkSession, directory: Path) -> Home:
    """Make a home of its own."""
    return Home(spark, directory, f"home_{uuid4().hex[:8]}")


def run(home: Home) -> None:
    """Run the tasks of the job."""
    with contextlib.redirect_stdout(io.StringIO()):
        for task in home.tasks:
            getattr(home, task)()


def count(home: Home) -> int:
    """Count the orders."""
    return home.spark.table(home.tables.orders).count()


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
    home = new_home(spark, directory)
    write(home.landing / "warm.csv", 10**8, rows)
    run(home)
    tutorial = TutorialWay(spark, directory, Case(orders=0, rows=rows, warm_ups=0, repetitions=1))
    for way, arriving in ((tutorial, files // 10), (home, files)):
        for i in range(arriving):
            write(way.landing / f"orders_{i}.csv", i * rows, rows)
    theirs = seconds_of(lambda: [getattr(tutorial, task)() for task in tutorial.tasks])
    ours = seconds_of(partial(run, home))
    assert count(home) == (files + 1) * rows
    print(f"{files:,} files of {rows} rows: {ours:.1f} s, allowed {ALLOWED_SECONDS_OF_ARRIVAL}; ", end="")
    print(f"the tutorial's way takes {theirs:.1f} s for a tenth of them")
    return ours <= ALLOWED_SECONDS_OF_ARRIVAL


def round_trips(spark: SparkSession, directory: Path) -> bool:
    """What 1,000 files take longer where each operation on a file is a round trip."""
    files, rows = 1_000, 10
    home = new_home(spark, directory)
    seconds = []
    for turn, delay in enumerate((0, 0, ROUND_TRIP_SECONDS)):
        for i in range(files):
            write(home.landing / f"orders_{turn}_{i}.csv", (turn * files + i) * rows, rows)
        with delayed_operations(home.landing.parents[1], delay) as operations:
            seconds.append(seconds_of(partial(run, home)))
    assert count(home) == 3 * files * rows
    without, with_delays = seconds[1:]
    one_by_one = len(operations) * ROUND_TRIP_SECONDS
    print(
        f"{files:,} files with {len(operations):,} operations of {ROUND_TRIP_SECONDS * 1000:.0f} ms on files, which ",
        end="",
    )
    print(f"one by one are {one_by_one:.0f} s: {with_delays:.1f} s, and {without:.1f} s where they take no time")
    return with_delays - without <= ALLOWED_SHARE_OF_ROUND_TRIPS * one_by_one


@contextlib.contextmanager
def delayed_operations(directory: Path, seconds: float) -> Iterator[list[str]]:
    """Let each operation of this process on a file below a directory take that much longer, and list them."""
    operations: list[str] = []
    names = ("stat", "lstat", "scandir", "mkdir", "replace", "rename", "unlink", "remove", "rmdir", "utime")
    kept = [(module, name, getattr(module, name)) for module, *of in ((os, *names), (io, "open")) for name in of]

    def delayed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if args and str(args[0]).startswith(str(directory)):
                operations.append(function.__name__)
                time.sleep(seconds)
            return function(*args, **kwargs)

        return call

    for module, name, function in kept:
        setattr(module, name, delayed(function))
    try:
        yield operations
    finally:
        for module, name, function in kept:
            setattr(module, name, function)


def spelling(number: int) -> str:
    """The header as one of many senders spells it: with capitals and blanks of its own."""
    names = HEADER.split(",")
    spelled = [name.upper() if number >> i & 1 else name for i, name in enumerate(names)]
    return " " * (number >> len(names)) + ",".join(spelled)


def spellings(spark: SparkSession, directory: Path) -> bool:
    """300 header spellings against one."""
    files, rows, turns = 300, 10, 3
    home = new_home(spark, directory)
    seconds: dict[str, list[float]] = {"one": [], "all": []}
    for turn in range(1 + turns):
        for name, times in seconds.items():
            for i in range(files):
                number = (turn * 2 * files + (name == "all") * files + i) * rows
                write(home.landing / f"{name}_{turn}_{i}.csv", number, rows, spelling(i * (name == "all")))
            times.append(seconds_of(partial(run, home)))
    assert count(home) == 2 * (1 + turns) * files * rows
    one, each = (statistics.median(times[1:]) for times in seconds.values())
    print(f"{files} files, one spelling of the header {one:.2f} s, {files} spellings {each:.2f} s: ", end="")
    print(f"ratio {each / one:.2f}, allowed {ALLOWED_RATIO_OF_SPELLINGS}")
    return each / one <= ALLOWED_RATIO_OF_SPELLINGS


def bad_row(spark: SparkSession, directory: Path) -> bool:
    """One bad row in 300,000 against none."""
    rows, turns = 300_000, 7
    home = new_home(spark, directory)
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(2 + turns):
        for bad, times in seconds.items():
            write(home.landing / f"bad_{bad}_{turn}.csv", 0, rows, bad=bad)
            times.append(seconds_of(partial(run, home)))
    none, one = (statistics.median(times[2:]) for times in seconds.values())
    print(f"{rows:,} rows, none bad {none:.2f} s, one bad {one:.2f} s: ", end="")
    print(f"ratio {one / none:.2f}, allowed {ALLOWED_RATIO_OF_BAD_ROW}")
    return one / none <= ALLOWED_RATIO_OF_BAD_ROW


def large_file(spark: SparkSession, directory: Path) -> bool:
    """How many cores a file of 2 GB keeps at work, and how much memory it takes."""
    home = new_home(spark, directory)
    write(home.landing / "warm.csv", 10**8, 1000)
    run(home)
    rows = 0
    with (home.landing / "large.csv").open("w") as file:
        file.write(f"{HEADER}\n")
        while file.tell() < LARGE_FILE_BYTES:
            file.write("".join(f"{row(rows + i)}\n" for i in range(100_000)))
            rows += 100_000
    java = java_of_spark()
    before = processor_seconds(java)
    seconds = seconds_of(partial(run, home))
    cores = (processor_seconds(java) - before) / seconds
    assert count(home) == rows + 1000
    print(f"a file of 2 GB, {rows:,} rows: {seconds:.0f} s, {cores:.2f} cores of {os.cpu_count()}, {memory(java)}")
    return cores >= ALLOWED_CORES_OF_LARGE_FILE


def java_of_spark() -> int:
    """Find the process that Spark runs in."""
    children = subprocess.run(["pgrep", "-P", str(os.getpid()), "java"], capture_output=True, text=True, check=True)
    return int(children.stdout.split()[0])


def memory(java: int) -> str:
    """Say what both processes took at most so far."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{java}/status").read_text().splitlines())
    peak, own = int(status["VmHWM"].split()[0]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"at most {peak >> 10} MB of Java (its heap may be 2 GB) and {own >> 10} MB of Python"


def processor_seconds(java: int) -> float:
    """What this process and Spark's took of the processors."""
    fields = Path(f"/proc/{java}/stat").read_text().rsplit(")", 1)[1].split()
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def year(spark: SparkSession, directory: Path) -> bool:
    """Runs and questions after a year, against after a day: of as many orders, most of which are long done."""
    homes = {name: new_home(spark, directory) for name in ("day", "year")}
    for home, runs in zip(homes.values(), (RUNS_OF_A_DAY, RUNS_OF_A_YEAR), strict=True):
        fill(home, runs)
        # The first one tells what the second one folds, and that is more than on any night after them.
        for days in (-1, 0):
            upkeep_in(home, days)
    seconds: dict[str, dict[str, list[float]]] = {}
    for turn in range(2 + YEAR_TURNS):
        for name, home in homes.items():
            for what, work in things_to_do(home, turn).items():
                seconds.setdefault(what, {}).setdefault(name, []).append(seconds_of(work))
    good = True
    for what, times in seconds.items():
        day, whole = (statistics.median(times[name][2:]) for name in homes)
        # Under a tenth of a second, what is measured is the machine.
        good &= whole <= max(ALLOWED_RATIO_OF_YEAR * day, day + 0.1)
        print(f"{what}: after a day {day:.2f} s, after a year {whole:.2f} s: ratio {whole / day:.2f}")
    print(f"allowed {ALLOWED_RATIO_OF_YEAR}")
    for name, home in homes.items():
        took, written = night(home)
        print(f"a night, after a {name}: {took:.0f} s, {written / 2**20:.1f} MiB written anew to compact the tables")
    return good


def upkeep_in(home: Home, days: int) -> None:
    """Do what a night does that is so many days ahead."""
    upkeep(home.spark, home.tables, retention_days=30, now=lambda: utc_now() + timedelta(days=days))


def night(home: Home) -> tuple[float, int]:
    """Time the night after a day of newer states, and count the bytes that compacting the tables writes."""
    numbers = range(0, ORDERS_OF_A_YEAR, ORDERS_OF_A_YEAR // (RUNS_OF_A_DAY * ROWS_OF_A_RUN))
    text = "\n".join([HEADER, *map(row, numbers), ""])
    newer = text.replace("2026-02-01 00:00:00", f"{utc_now():%Y-%m-%d %H:%M:%S}")
    (home.landing / "of_a_day.csv").write_text(newer)
    run(home)
    before = compacted_bytes(home)
    seconds = seconds_of(partial(upkeep_in, home, 1))
    return seconds, compacted_bytes(home) - before


def compacted_bytes(home: Home) -> int:
    """Count what compacting the tables has written so far."""
    written = "coalesce(sum(CAST(operationMetrics['numAddedBytes'] AS BIGINT)), 0)"
    histories = (home.spark.sql(f"DESCRIBE HISTORY {name}") for name in home.tables.stored)
    return sum(history.where("operation = 'OPTIMIZE'").selectExpr(written).collect()[0][0] for history in histories)


def fill(home: Home, runs: int) -> None:
    """Write into the tables what so many runs would have left, the last of them now; all have as many orders."""
    claimed = f"timestampadd(MINUTE, -20 * ({runs} - run), current_timestamp())"
    batch = f"concat(date_format({claimed}, \"yyyyMMdd'T'HHmmss.SSSSSS'Z'\"), '-000000')"
    path = "concat('sender/', run, '_', file, '.csv')"
    state = f"""
        format_string('TRK%09d', order) AS tracking_num, format_string('ORD%09d', order) AS order_num,
        element_at(array('RECEIVED', 'SHIPPED', 'DELIVERED'), CAST(1 + order % 3 AS INT)) AS status,
        format_string('%d Main Street', order) AS address, date_sub(CAST({claimed} AS DATE), 2) AS received_date,
        CAST(NULL AS DATE) AS delivery_date, {claimed} AS last_update_timestamp,
        {path} AS _source_file, {batch} AS _batch_id, concat({claimed}, ' ', {path}) AS _sent"""
    rows = f"""
        SELECT id DIV {ROWS_OF_A_RUN} AS run, id % {FILES_OF_A_RUN} AS file,
               pmod(xxhash64(id), {ORDERS_OF_A_YEAR}) AS order
        FROM range({runs * ROWS_OF_A_RUN})"""
    home.spark.sql(f"""
        INSERT INTO {home.tables.stage} BY NAME
        SELECT {state}, {claimed} AS _ingested_at, order AS _row_id FROM ({rows})""")
    all_orders = f"SELECT {runs - 1} AS run, 0 AS file, id AS order FROM range({ORDERS_OF_A_YEAR})"
    home.spark.sql(f"INSERT INTO {home.tables.orders} BY NAME SELECT {state} FROM ({all_orders})")
    outcome = f"""named_struct('batch_id', {batch}, 'path', {path}, 'state', state, 'file_id', hex(run * 20 + file),
        'size_bytes', 3000L, 'modified_at', {claimed}, 'reason', CAST(NULL AS STRING),
        'unknown_columns', CAST(array() AS ARRAY<STRING>), 'moved_to', concat('archive/', {path}), 'rows_read', 20L,
        'rows_staged', 19L, 'rows_quarantined', 1L)"""
    files = f"transform(sequence(0, {FILES_OF_A_RUN - 1}), file -> {outcome})"
    no_texts = "CAST(array() AS ARRAY<STRING>)"
    home.spark.sql(f"""
        INSERT INTO {home.tables.job_log} BY NAME
        SELECT concat(run, '-', task) AS record_id, CAST(run AS STRING) AS run_id, task, 'SUCCESS' AS status,
               {claimed} AS started_at, timestampadd(SECOND, 30, {claimed}) AS ended_at, array({batch}) AS batch_ids,
               {no_texts} AS warnings, {no_texts} AS alarms,
               IF(state IS NULL, array(), {files}) AS files
        FROM (SELECT id AS run, explode(map('source_to_stage', 'STAGED', 'stage_to_final', 'MERGED',
                                            'quality_gate', NULL)) AS (task, state) FROM range({runs}))""")


def things_to_do(home: Home, turn: int) -> dict[str, Callable[[], object]]:
    """What people and the job do, by its name."""

    def ask(query: str) -> Callable[[], object]:
        full = query.replace("operations.", f"{home.tables.of_operations}.")
        return lambda: home.spark.sql(full.replace(" orders_table", f" {home.tables.orders}")).collect()

    def load() -> None:
        write(home.landing / f"of_turn_{turn}.csv", turn * 1000, 1000)
        run(home)

    def track() -> None:
        for table in (home.tables.orders, home.tables.history):
            home.spark.table(table).where(f"tracking_num = 'TRK{turn:09d}'").collect()

    queries = sorted((Path(__file__).parents[1] / "notebooks" / "queries").glob("*.sql"))
    return {
        "an empty run": partial(run, home),
        "a run of 1,000 rows": load,
        "track": track,
        **{path.stem: ask(path.read_text(encoding="utf-8")) for path in queries},
    }


def upserts(spark: SparkSession, directory: Path) -> bool:
    """600,000 rows into 60 million orders; nothing is compared, so nothing fails."""
    home = ThisWay(spark, directory, Case(ORDERS_OF_UPSERTS, ROWS_OF_UPSERTS, warm_ups=0, repetitions=1))
    write(home.landing / "warm.csv", 10**8, 1000)
    run(home)
    half = ROWS_OF_UPSERTS // 2
    updated = range(0, ORDERS_OF_UPSERTS, ORDERS_OF_UPSERTS // half)
    new = range(ORDERS_OF_UPSERTS, ORDERS_OF_UPSERTS + half)
    numbers = itertools.chain(updated, new)
    (home.landing / "upserts.csv").write_text("\n".join([HEADER, *map(row, numbers), ""]))
    seconds = {}
    for task in home.tasks:
        with contextlib.redirect_stdout(io.StringIO()):
            seconds[task] = seconds_of(getattr(home, task))
    assert count(home) == ORDERS_OF_UPSERTS + half + 1000
    assert spark.table(home.tables.orders).where("_batch_id <> '0'").count() == ROWS_OF_UPSERTS + 1000
    print(f"{ROWS_OF_UPSERTS:,} rows into {ORDERS_OF_UPSERTS:,} orders: {sum(seconds.values()):.0f} s", end="")
    print(f" ({', '.join(f'{task} {each:.1f}' for task, each in seconds.items())}), {memory(java_of_spark())}")
    return True


CASES = {
    "arrival": arrival,
    "round-trips": round_trips,
    "spellings": spellings,
    "bad-row": bad_row,
    "large-file": large_file,
    "year": year,
    "upserts": upserts,
}


def main() -> int:
    """Return 1 if something takes longer than it may."""
    unknown = [name for name in sys.argv[1:] if name not in CASES]
    if unknown:
        sys.exit(f"there is no case {unknown[0]}: {', '.join(CASES)}")
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
