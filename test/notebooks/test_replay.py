from datetime import date

import pytest
from order_tracking import rules, stage
from order_tracking.load_batch import Policy
from order_tracking.replay import ReplaySummary, replay
from pipeline import Pipeline, lines, order


def put_back(pipeline: Pipeline, source: str, **chosen: str) -> ReplaySummary:
    return replay(pipeline.spark, pipeline.tables, str(pipeline.volume), source, **chosen)


def test_quarantined_rows_are_loaded_after_a_fix(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    row = order(1).replace("2026-01-01", "01.01.2026")
    pipeline.drop("a.csv", lines(row, order(2).replace("2026-01-01", "sometime"), "cannot be split", order(3)))
    pipeline.run()
    assert set(pipeline.statuses()) == {"T3"}
    parse = rules.parse
    german = "coalesce(try_to_timestamp(received_date, 'dd.MM.yyyy'), {})"

    def parse_german_dates(column):
        return german.format(parse(column)) if column.name == "received_date" else parse(column)

    monkeypatch.setattr(rules, "parse", parse_german_dates)
    monkeypatch.setattr(stage, "parse", lambda column: f"CAST({parse_german_dates(column)} AS {column.type})")
    summary = put_back(pipeline, "quarantine")
    assert (len(summary.files), summary.rows_left) == (1, 1)
    pipeline.run(Policy(max_bad_rows_percent=10))
    assert set(pipeline.statuses()) == {"T1", "T3"}
    reasons = sorted(rule for _, _, broken in pipeline.quarantine() for _, rule in broken)
    assert reasons == ["malformed", "type"]


def test_archived_files_are_loaded_again_by_day_and_by_name(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("x/b.csv", lines(order(2)))
    pipeline.run()
    pipeline.spark.sql(f"DELETE FROM {pipeline.tables.orders}").collect()
    assert put_back(pipeline, "archive", until="2020-01-01").files == ()
    assert put_back(pipeline, "archive", since="2999-01-01").files == ()
    [only] = put_back(pipeline, "archive", files="x/b.csv", since="2020-01-01", until=str(date.max)).files
    assert only.endswith("/x/b.csv")
    _, merged = pipeline.run()
    assert (merged.inserted, set(pipeline.statuses())) == (1, {"T2"})
    assert len(put_back(pipeline, "archive").files) == 3


@pytest.mark.parametrize(
    ("source", "since", "message"),
    [("trash", "", "source is 'trash'; it must be archive or quarantine"), ("archive", "soon", "since is 'soon'")],
)
def test_a_wrong_choice_is_refused(pipeline: Pipeline, source: str, since: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        put_back(pipeline, source, since=since)
