"""In whatever order, split, runs and columns the rows come: the same tables, those of a few lines of Python."""

from collections import Counter
from datetime import date, datetime
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_tracking.contract import COLUMNS, precedence
from order_tracking.load_batch import Policy
from order_tracking.parameters import NewColumns
from pipeline import Pipeline, csv_text

NEW_COLUMN = "carrier"
PRECEDENCE = precedence((NEW_COLUMN,))
REQUIRED = [column.name for column in COLUMNS if column.required]
OPTIONAL = [column.name for column in COLUMNS if not column.required]
VALUES = [*(column.name for column in COLUMNS[1:]), NEW_COLUMN]
#: What a sender may do to a row, and the rule that the row breaks then.
FLAWS = {"no key": "required", "a day that is none": "type", "one value too many": "malformed"}

states = st.fixed_dictionaries(
    {
        "tracking_num": st.sampled_from("ABCDEFGHIJKL"),
        "order_num": st.sampled_from([None, "O1", "O2"]),
        "status": st.sampled_from(["SHIPPED", "DELIVERED"]),
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
files = st.tuples(headers, st.lists(rows, max_size=30))
runs = st.lists(st.lists(files, min_size=1, max_size=3), min_size=1, max_size=3)
examples = count()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=runs, data=st.data())
def test_tables_do_not_depend_on_how_rows_arrive(pipeline: Pipeline, runs, data) -> None:
    sent = [file for files in runs for file in files]
    # Keys and a folder of their own for each way of loading, so that all examples share the tables.
    by_runs, again = f"{next(examples)}-", f"{next(examples)}-"
    for files in runs:
        load(pipeline, by_runs, files)
    # Some of it twice, in another order, split in another way, all at once.
    load(
        pipeline,
        again,
        [
            half
            for header, rows in data.draw(st.permutations([*sent, sent[0]]))
            for half in ((header, rows[::2]), (header, rows[1::2]))
        ],
    )
    good = [only(header, state) for header, rows in sent for state, flaw in rows if not flaw]
    flaws = Counter(FLAWS[flaw] for _, rows in sent for _, flaw in rows if flaw)
    flaws_again = flaws + Counter(FLAWS[flaw] for _, flaw in sent[0][1] if flaw)
    for prefix, expected_flaws in ((by_runs, flaws), (again, flaws_again)):
        assert orders(pipeline, prefix) == orders_model(good)
        assert history(pipeline, prefix) == history_model(good)
        assert quarantined(pipeline, prefix) == expected_flaws


def only(header, state):
    """What a file with this header tells of a state."""
    return {name: value if name in header else None for name, value in state.items()}


def rank(state):
    """NULL is the smallest value of a column."""
    return [(state[name] is not None, state[name] or "") for name in PRECEDENCE]


def orders_model(rows):
    """The greatest state of each key."""
    greatest = {row["tracking_num"]: row for row in sorted(rows, key=rank)}
    return {key: tuple(as_text(state[name]) for name in VALUES) for key, state in greatest.items()}


def history_model(rows):
    """Of each key and time the greatest state, which holds until the next."""
    greatest = {(row["tracking_num"], row["last_update_timestamp"]): row for row in sorted(rows, key=rank)}
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


def load(pipeline: Pipeline, prefix: str, files) -> None:
    for number, (header, rows) in enumerate(files):
        values = [
            flawed(flaw, header, {**state, "tracking_num": prefix + state["tracking_num"]}) for state, flaw in rows
        ]
        pipeline.drop(f"{prefix}/{number}.csv", csv_text(values, header))
    pipeline.run(Policy(NewColumns.ADD))


def flawed(flaw, header, state):
    if flaw == "no key":
        state = {**state, "tracking_num": None}
    if flaw == "a day that is none":
        state = {**state, "last_update_timestamp": "yesterday"}
    values = [state[name] for name in header]
    return [*values, "more"] if flaw == "one value too many" else values


def orders(pipeline: Pipeline, prefix: str):
    return {row[0].removeprefix(prefix): tuple(row[1:]) for row in texts(pipeline, "orders_table", prefix)}


def history(pipeline: Pipeline, prefix: str):
    rows = texts(pipeline, "orders_history", prefix, "valid_from", "valid_to")
    return {(row[0].removeprefix(prefix), row[1]): tuple(row[2:]) for row in rows}


def texts(pipeline: Pipeline, table: str, prefix: str, *first: str):
    """The rows of the keys that start so, as texts; NULL where no file had the new column yet."""
    present = pipeline.spark.table(pipeline.full_name(table)).columns
    names = ["tracking_num", *first, *VALUES]
    columns = [f"CAST({name if name in present else 'NULL'} AS string)" for name in names]
    return [row for row in pipeline.table(table, *columns) if row[0].startswith(prefix)]


def quarantined(pipeline: Pipeline, prefix: str):
    """How many rows broke which rule."""
    rows = pipeline.table("quarantined_orders_table", "_source_file", "reasons.rule AS rules")
    return Counter(rule for row in rows if row[0].startswith(f"{prefix}/") for rule in row.rules)
