import pytest
from order_tracking.errors import OrderTrackingError
from order_tracking.tasks.smoke import Check, SmokeSummary, smoke
from pipeline import Pipeline


def test_what_the_pipeline_builds_on_is_there_on_a_laptop_and_nothing_is_left_behind(pipeline: Pipeline) -> None:
    pipeline.run()
    summary = smoke(pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint))
    assert [check for check in summary.checks if not check.passed] == []
    assert len(summary.checks) == 9
    summary.raise_failures()
    assert str(summary).count("ok") == 9
    names = [row.tableName for row in pipeline.spark.sql(f"SHOW TABLES IN {pipeline.tables.of_operations}").collect()]
    assert [name for name in names if "smoke" in name] == []
    assert [path for path in pipeline.volume.rglob("*smoke*")] == []


def test_a_check_that_fails_fails_the_notebook() -> None:
    summary = SmokeSummary((Check("volumes", "they are full", passed=False), Check("views", "fine", passed=True)))
    with pytest.raises(OrderTrackingError, match=r"^volumes: they are full$"):
        summary.raise_failures()
