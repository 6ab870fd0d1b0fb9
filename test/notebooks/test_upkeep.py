from order_tracking import upkeep
from pipeline import Pipeline, lines, order


def test_upkeep_compacts_the_tables_and_changes_no_row(pipeline: Pipeline) -> None:
    for number in range(3):
        pipeline.drop(f"{number}.csv", lines(order(number), "bad"))
        pipeline.run()
    names = ("orders_table", "orders_history", "quarantined_orders_table", "job_runs_table", "loaded_files_table")
    before = {name: sorted(map(str, pipeline.table(name))) for name in names}
    done = upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
    assert done.files_removed > done.files_added > 0
    assert {name: sorted(map(str, pipeline.table(name))) for name in names} == before
    pipeline.drop("new.csv", lines(order(9)))
    assert pipeline.run()[1].inserted == 1


def test_a_large_table_marks_deleted_rows(pipeline: Pipeline, monkeypatch) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    monkeypatch.setattr(upkeep, "_LARGE_TABLE_BYTES", 1)
    upkeep.upkeep(pipeline.spark, pipeline.tables, retention_days=7)
    [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {pipeline.tables.orders}").collect()
    assert detail.properties["delta.enableDeletionVectors"] == "true"
    pipeline.drop("b.csv", lines(order(1, "DELIVERED", "2026-01-03 10:00:00"), order(2)))
    pipeline.run()
    assert pipeline.statuses() == {"T1": "DELIVERED", "T2": "SHIPPED"}
