"""In whatever order, runs and columns the files come, and leave: the same tables, those of a few lines of Python."""

import os
import random
import time
from collections import Counter
from datetime import date, datetime
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from order_tracking.contract.orders import ORDERS
from order_tracking.files.batch import claimed_at
from order_tracking.parameters import NewColumns
from order_tracking.rows.fold_stage import delete_repeats
from order_tracking.tasks.erase import erase
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.replay import replay
from order_tracking.tasks.withdraw import withdraw
from pipeline import Pipeline, csv_text

NEW_COLUMN = "carrier"
#: Of one example, and so in how many runs all are loaded: a run takes longer than some more examples.
MOST_FILES = 3
BEGIN = int(time.time())
REQUIRED = [column.name for column in ORDERS.columns if column.required]
OPTIONAL = [column.name for column in ORDERS.columns if not column.required]
VALUES = [*(column.name for column in ORDERS.columns[1:]), NEW_COLUMN]
#: What a sender may do to a row, and the rule that the row breaks then.
FLAWS = {"no key": "required", "a day that is none": "type", "one value too many": "malformed"}

states = st.fixed_dictionaries(
    {
        "tracking_num": st.sampled_from("ABCDEFGHIJKL"),
        "order_num": st.sampled_from([None, "O1", "O2"]),
        "status": st.sampled_from(["SHIPPED", "Delivered", "ELSEWHERE"]),
        "address": st.sampled_from([None, "x", "ü, y"]),
        "received_date": st.sampled_from([None, date(2026, 1, 1), date(2026, 1, 2)]),
        "delivery_date": st.sampled_from([None, date(2026, 1, 3)]),
        "last_update_timestamp": st.sampled_from([datetime(2026, 1, day, 10) for day in (1, 2)]),
        NEW_COLUMN: st.sampled_from([None, "DHL", "UPS"]),
    }
)
rows = st.tuples(states, st.sampled_from([None, None, None, *FLAWS]))
#: The columns that a file has, in its own order: what is required, and some of the others.
headers = st.sets(st.sampled_from([*OPTIONAL, NEW_COLUMN])).flatmap(lambda some: st.permutations([*REQUIRED, *some]))
#: Files that are sent at one time are ordered by their names.
files = st.tuples(headers, st.lists(rows, max_size=30), st.integers(20, 23))


def test_tables_do_not_depend_on_how_files_arrive_and_forget_what_leaves(pipeline: Pipeline) -> None:
    number = random.SystemRandom().randrange(10**6)
    print(f"seed {number}")
    chance = random.Random(number)
    ways = draw_ways(number)
    for run in zip(*ways.values(), strict=True):
        for prefix, some in zip(ways, run, strict=True):
            drop(pipeline, prefix, some)
        pipeline.load(Policy(NewColumns.ADD))
    pipeline.gate()
    #: What each way of loading sent: each file as often as it was sent.
    sent_by = {prefix: [file for run in runs for file in run] for prefix, runs in ways.items()}
    check(pipeline, sent_by)
    loaded = pipeline.table("loaded_files_table", "batch_id", "path")
    # What is old is folded, in two nights, and changes nothing. Only what is not may leave.
    times = sorted({claimed_at(row.batch_id) for row in loaded})
    first, last = sorted(chance.choices(times, k=2))
    for since, until in ((None, first), (first, last)):
        delete_repeats(pipeline.spark, ORDERS, pipeline.tables, since, until)
    check(pipeline, sent_by)
    young = [row for row in loaded if claimed_at(row.batch_id) >= last]
    leaving = chance.sample(young, (len(young) + 1) // 2)
    for _, path in leaving:
        prefix, number = path.removesuffix(".csv").split("/")
        sent_by[prefix].remove(next(each for each in sent_by[prefix] if each[0] == int(number)))
    places = (pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint))
    withdraw(*places, "withdrawal", ",".join(f"{batch_id}/{path}" for batch_id, path in leaving))
    check(pipeline, sent_by)
    # What is left once more: it counts as it is read then, which is as it was. Then what was taken back, at last.
    replay(*places, "archive")
    pipeline.run(Policy(NewColumns.ADD))
    check(pipeline, sent_by)
    erased = f"{chance.choice(list(sent_by))}{chance.choice('ABCDEFGHIJKL')}"
    erase(*places, "erasure", erased, 7)
    check(pipeline, sent_by, erased)


def draw_ways(number: int) -> dict[str, list[Any]]:
    """Draw files, and in which runs they are loaded: each example in two ways.

    A way has keys and a folder of its own, which begin with its name, so that all of them share runs and tables.
    """
    ways: dict[str, list[Any]] = {}

    @seed(number)
    @settings(max_examples=6, deadline=None)
    @given(sent=st.lists(files, min_size=1, max_size=MOST_FILES), data=st.data())
    def draw(sent, data) -> None:
        numbered = list(enumerate(sent))
        # All ways end with the same run. In every other example what has the new column comes last, where rows are.
        one_by_one = [[each] for each in numbered]
        if len(ways) % 4 == 0:
            one_by_one.sort(key=lambda run: NEW_COLUMN in run[0][1][0])
        # In another order, in two runs, and some of it twice.
        shuffled = data.draw(st.permutations(numbered))
        middle = data.draw(st.integers(0, len(shuffled)))
        at_once = [shuffled[:middle], [*shuffled[middle:], *(shuffled[:1] if middle else [])]]
        for runs in (one_by_one, at_once):
            ways[f"{len(ways):02}-"] = [*([[]] * (MOST_FILES - len(runs))), *runs]

    draw()
    return ways


def check(pipeline: Pipeline, sent_by, erased=None) -> None:
    """The tables are those of a few lines of Python over all rows that count."""
    new_column = NEW_COLUMN if NEW_COLUMN in pipeline.spark.table(pipeline.tables.orders).columns else "NULL"
    orders = texts(pipeline, new_column, "orders_table")
    history = texts(pipeline, new_column, "orders_history", "valid_from", "valid_to")
    quarantined = pipeline.table("quarantined_orders_table", "_source_file", "reasons.rule AS rules")
    for prefix, sent in sent_by.items():
        rows = [
            (only(header, state), (-minutes_ago, number, row), flaw)
            for number, (header, rows, minutes_ago) in sent
            for row, (state, flaw) in enumerate(rows)
            if flaw == "no key" or prefix + state["tracking_num"] != erased
        ]
        good = [(state, place) for state, place, flaw in rows if not flaw]
        of_prefix = [(key.removeprefix(prefix), *rest) for key, *rest in orders if key.startswith(prefix)]
        assert {key: tuple(state) for key, *state in of_prefix} == orders_model(good)
        of_prefix = [(key.removeprefix(prefix), *rest) for key, *rest in history if key.startswith(prefix)]
        assert {(key, since): tuple(rest) for key, since, *rest in of_prefix} == history_model(good)
        rules = [rule for row in quarantined if f"/{prefix}/" in f"/{row[0]}" for rule in row.rules]
        assert Counter(rules) == Counter(FLAWS[flaw] for *_, flaw in rows if flaw)


def only(header, state):
    """What a file with this header tells of a state."""
    return {name: value if name in header else None for name, value in state.items()}


def rank(row):
    """By time, then by how far the order is, then by when, in which file and where in it the row was sent."""
    state, place = row
    known = ORDERS.progress.values
    progress = 1 + known.index(state["status"].upper()) if state["status"].upper() in known else 0
    return state["last_update_timestamp"], progress, place


def orders_model(rows):
    """The greatest state of each key."""
    greatest = {state["tracking_num"]: state for state, _ in sorted(rows, key=rank)}
    return {key: tuple(as_text(state[name]) for name in VALUES) for key, state in greatest.items()}


def history_model(rows):
    """Of each key and time the greatest state, which holds until the next."""
    greatest = {(state["tracking_num"], state["last_update_timestamp"]): state for state, _ in sorted(rows, key=rank)}
    until = {
        (key, time): min((later for other, later in greatest if other == key and later > time), default=None)
        for key, time in greatest
    }
    return {
        (key, str(time)): (as_text(until[key, time]), *(as_text(state[name]) for name in VALUES))
        for (key, time), state in greatest.items()
    }


def as_text(value):
    return None if value is None else str(value)


def drop(pipeline: Pipeline, prefix: str, files) -> None:
    for number, (header, rows, minutes_ago) in files:
        values = [
            flawed(flaw, header, {**state, "tracking_num": prefix + state["tracking_num"]}) for state, flaw in rows
        ]
        file = pipeline.drop(f"{prefix}/{number}.csv", csv_text(values, header))
        sent = BEGIN - 60 * minutes_ago
        os.utime(file, (sent, sent))


def flawed(flaw, header, state):
    if flaw == "no key":
        state = {**state, "tracking_num": None}
    if flaw == "a day that is none":
        state = {**state, "last_update_timestamp": "yesterday"}
    values = [state[name] for name in header]
    return [*values, "more"] if flaw == "one value too many" else values


def texts(pipeline: Pipeline, new_column: str, table: str, *first: str):
    """The rows by their keys, as texts; NULL where no file had the new column yet."""
    names = ["tracking_num", *first, *VALUES[:-1], new_column]
    return pipeline.table(table, *(f"CAST({name} AS string)" for name in names))
