import os
from pathlib import Path

import pytest
from order_tracking.errors import OrderTrackingError
from order_tracking.tasks import smoke as checks
from order_tracking.tasks.smoke import Check, SmokeSummary, smoke
from pipeline import Pipeline


def test_what_the_pipeline_builds_on_is_there_on_a_laptop_and_nothing_is_left_behind(pipeline: Pipeline) -> None:
    pipeline.stage()
    summary = smoke(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint))
    assert [check for check in summary.checks if not check.passed] == []
    assert len(summary.checks) == 12
    summary.raise_failures()
    assert str(summary).count("ok") == 12
    names = [row.tableName for row in pipeline.spark.sql(f"SHOW TABLES IN {pipeline.tables.of_operations}").collect()]
    assert [name for name in names if "smoke" in name] == []
    assert [path for path in pipeline.volume.rglob("*smoke*")] == []


def test_a_view_is_as_runs_want_it_where_its_text_has_the_comment_or_is_told_nobody(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, view = (f"{pipeline.schema}.{kind}" for kind in ("a_table", "a_view"))
    pipeline.spark.sql(f"CREATE SCHEMA {pipeline.schema}")
    pipeline.spark.sql(f"CREATE TABLE {table} (key BIGINT, value BIGINT) USING DELTA")
    for told in (None, "SELECT /* of value */ value"):
        monkeypatch.setattr(checks, "describe_view", lambda *_, told=told: ({}, told))
        assert checks._view(pipeline.spark, table, view) == "its columns changed"
    monkeypatch.setattr(checks, "describe_view", lambda *_: ({}, "SELECT value"))
    with pytest.raises(OrderTrackingError, match=r"has not the comment .*: SELECT value$"):
        checks._view(pipeline.spark, table, view)


def test_a_check_that_fails_fails_the_notebook() -> None:
    summary = SmokeSummary((Check("volumes", "they are full", passed=False), Check("views", "fine", passed=True)))
    with pytest.raises(OrderTrackingError, match=r"^volumes: they are full$"):
        summary.raise_failures()


def test_a_volume_where_a_file_that_is_there_is_made_anew_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode: opened(path, mode.replace("x", "w")))
    with pytest.raises(OrderTrackingError, match=r"it is made anew by who wants to make one where none is"):
        checks._file(tmp_path / "file")


def test_a_file_keeps_its_time_where_only_that_of_the_last_access_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def touched_by_reading(accessed: int, modified: int) -> None:
        def read(path: Path) -> bytes:
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns + accessed, status.st_mtime_ns + modified))
            return read_bytes(path)

        monkeypatch.setattr(Path, "read_bytes", read)

    touched_by_reading(10**9, 0)
    assert checks._file(tmp_path / "file") == "200000 bytes"
    touched_by_reading(0, 10**9)
    with pytest.raises(OrderTrackingError, match=r"its time changes by itself"):
        checks._file(tmp_path / "file")
