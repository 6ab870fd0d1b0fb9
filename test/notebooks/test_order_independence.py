"""In whatever order, split and runs the rows come: the same orders and history, those of a few lines of Python."""

from datetime import date, datetime
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_tracking.contract import COLUMNS, precedence
from pipeline import Pipeline, csv_text

PRECEDENCE = precedence()
KEYS = list("ABCDEFGHIJKL")

states = st.fixed_dictionaries(
    {
        "tracking_num": st.sampled_from(KEYS),
        "order_num": st.sampled_from([None, "O1", "O2"]),
        "status": st.sampled_from(["SHIPPED", "DELIVERED"]),
        "address": st.sampled_from([None, "x", "ü, y"]),
        "received_date": st.sampled_from([None, date(2026, 1, 1), date(2026, 1, 2)]),
        "delivery_date": st.sampled_from([None, date(2026, 1, 3)]),
        "last_update_timestamp": st.sampled_from([datetime(2026, 1, day, 10) for day in (1, 2)]),
    }
)
#: A run loads files, a file has rows.
runs = st.lists(st.lists(st.lists(states, max_size=40), min_size=1, max_size=3), min_size=1, max_size=3)
examples = count()


def rank(state):
    """NULL is the smallest value of a column."""
    return [(state[name] is not None, state[name] or "") for name in PRECEDENCE]


def history_model(rows):
    """Of each key and time the greatest state, which holds until the next."""
    history = {}
    for key in {row["tracking_num"] for row in rows}:
        times = sorted({row["last_update_timestamp"] for row in rows if row["tracking_num"] == key})
        for time, until in zip(times, [*times[1:], None], strict=True):
            state = model([row for row in rows if (row["tracking_num"], row["last_update_timestamp"]) == (key, time)])[
                key
            ]
            history[key, as_text(time)] = (as_text(until), *(as_text(state[column.name]) for column in COLUMNS[1:]))
    return history


def model(rows):
    return {
        key: max((row for row in rows if row["tracking_num"] == key), key=rank)
        for key in {r["tracking_num"] for r in rows}
    }


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=runs, data=st.data())
def test_orders_do_not_depend_on_how_rows_arrive(pipeline: Pipeline, runs, data) -> None:
    rows = [row for files in runs for file in files for row in file]
    again = data.draw(st.permutations(rows + rows[:2]), label="again, in another order")
    # Keys of their own for each way of loading, so that all examples share the tables.
    by_runs, at_once = f"{next(examples)}-", f"{next(examples)}-"
    for files in runs:
        load(pipeline, by_runs, files)
    load(pipeline, at_once, [again[: len(again) // 2], again[len(again) // 2 :]])
    expected = {key: tuple(as_text(state[column.name]) for column in COLUMNS[1:]) for key, state in model(rows).items()}
    assert orders(pipeline, by_runs) == expected
    assert orders(pipeline, at_once) == expected
    assert history(pipeline, by_runs) == history_model(rows)
    assert history(pipeline, at_once) == history_model(rows)


def as_text(value):
    return None if value is None else str(value)


def load(pipeline: Pipeline, prefix: str, files) -> None:
    for number, rows in enumerate(files):
        values = [[prefix + row["tracking_num"], *(row[column.name] for column in COLUMNS[1:])] for row in rows]
        pipeline.drop(f"{number}.csv", csv_text(values))
    pipeline.run()


def orders(pipeline: Pipeline, prefix: str) -> dict[str, tuple[object, ...]]:
    return {key.removeprefix(prefix): row[1:] for key, row in pipeline.orders().items() if key.startswith(prefix)}


def history(pipeline: Pipeline, prefix: str):
    columns = [
        f"CAST({name} AS string)" for name in ("valid_from", "valid_to", *(column.name for column in COLUMNS[1:]))
    ]
    rows = pipeline.table("orders_history", "tracking_num", *columns)
    return {(row[0].removeprefix(prefix), row[1]): tuple(row[2:]) for row in rows if row[0].startswith(prefix)}
