"""Two runs at once do no harm, wherever the one is when the other comes by."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from connect_server import ConnectAddress
from crash_scenario import Crash, crashing
from job_process import JobProcess
from order_tracking.clock import use_utc, utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, StagedBatch
from order_tracking.files.claimed_files import TakenFile, take
from order_tracking.files.landing import list_arrivals
from order_tracking.files.moving import Move, copy_verify_delete, rename
from order_tracking.files.volume import open_volume
from order_tracking.rows.merge import MergeCounts, merge_batches
from order_tracking.tables.tables import create_missing
from order_tracking.tasks import load_batch, quality_gate, source_to_stage, stage_to_final
from order_tracking.tasks.load_batch import Policy
from pipeline import Pipeline, lines, order
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

#: Until the process ends: a session that is collected takes the threads of all the others along.
KEPT_SESSIONS: list[SparkSession] = []

Moment = tuple[Any, str]
#: Each list is of one run. What comes by before it lists files takes none that it is about to load, and what comes by
#: while it merges leaves it something to write into the job log.
MOMENTS: list[list[Moment]] = [
    [(source_to_stage, "list_arrivals"), (Checkpoint, "close")],
    [(Checkpoint, "claim")],
    [(load_batch, "take")],
    [(load_batch, "write_stage")],
    [(load_batch, "quarantine_rows")],
    [(Checkpoint, "stage")],
    [(stage_to_final, "merge_batches"), (quality_gate, "write_job_log")],
]


def test_a_run_in_the_middle_of_another_does_no_harm(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt_at(owner: Any, step: str, *later: Moment) -> None:
        """Drop a file, and let another run come by at a moment, then at the later ones."""
        pipeline.drop(f"{step}.csv", lines(order(step), "bad"))
        function = getattr(owner, step)

        def interrupted(*args: Any) -> Any:
            monkeypatch.undo()
            pipeline.run()
            came_by.append(step)
            if later:
                (owner, step_after), *others = later
                interrupt_at(owner, step_after, *others)
            return function(*args)

        monkeypatch.setattr(owner, step, interrupted)

    came_by: list[str] = []
    for (owner, step), *later in MOMENTS:
        interrupt_at(owner, step, *later)
        pipeline.run()
    assert came_by == [step for moments in MOMENTS for _, step in moments]
    pipeline.run()
    steps = sorted(came_by)
    assert pipeline.statuses() == {f"T{step}": "SHIPPED" for step in steps}
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [(f"{step}.csv", 2) for step in steps]
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == [f"T{step}" for step in steps]
    assert pipeline.files("archive").keys() == {f"{step}.csv" for step in steps}
    assert all("MERGED" in states for states in pipeline.states().values())
    assert [row.is_current for row in pipeline.table("orders_history")] == [True] * len(steps)
    runs = pipeline.table("job_runs_table")
    assert len({row.record_id for row in runs}) == len(runs)


def test_a_batch_that_another_run_has_ended_since_it_was_listed_is_left_alone(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was begun so often by then that it would be divided, for which its rows are deleted."""
    leave_behind(pipeline, "a", "b", attempt=2)
    pipeline.drop("new.csv", lines(order("new")))
    claim, clear = Checkpoint.claim, load_batch.BatchLoader.clear

    def ended_meanwhile(*args: Any) -> None:
        monkeypatch.undo()
        pipeline.stage()
        claim(*args)

    def cleared_and_dead(*args: Any) -> None:
        clear(*args)
        raise Crash

    monkeypatch.setattr(Checkpoint, "claim", ended_meanwhile)
    with monkeypatch.context() as patch, suppress(Crash):
        patch.setattr(load_batch.BatchLoader, "clear", cleared_and_dead)
        pipeline.stage()
    pipeline.run()
    assert set(pipeline.statuses()) == {"Ta", "Tb", "Tnew"}
    assert len(pipeline.table("stage_orders_table")) == 3
    assert {path: states[-1] for path, states in pipeline.states().items() if path != "new.csv"} == {
        "a.csv": "MERGED",
        "b.csv": "MERGED",
    }


def test_a_first_attempt_writes_no_rows_beside_those_of_a_run_that_took_it_for_dead(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    take, write_stage = load_batch.take, load_batch.write_stage

    def written_and_dead(*args: Any) -> None:
        write_stage(*args)
        raise Crash

    def ended_meanwhile(*args: Any) -> Any:
        monkeypatch.undo()
        pipeline.stage()
        monkeypatch.setattr(load_batch, "write_stage", written_and_dead)
        return take(*args)

    monkeypatch.setattr(load_batch, "take", ended_meanwhile)
    with suppress(Crash):
        staged = pipeline.stage()
        assert ["another one took it for dead" in warning for warning in staged.warnings] == [True]
    assert len(pipeline.table("stage_orders_table")) == 1


def test_a_later_attempt_brings_nothing_of_a_file_back_that_a_run_has_rejected_which_took_it_for_dead(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Policy(max_bad_rows_percent=50)
    content = pipeline.drop("bad.csv", lines("bad", "worse", order("bad"))).read_bytes()
    claim = leave_behind(pipeline, "a")
    archived = open_volume(str(pipeline.volume)).archive_of(claim.batch_id) / "bad.csv"
    write_stage = load_batch.write_stage

    def written_before_the_other_moves_it(*args: Any) -> Any:
        monkeypatch.undo()
        pipeline.run(policy)
        archived.write_bytes(content)
        result = write_stage(*args)
        archived.unlink()
        monkeypatch.setattr(Checkpoint, "stage", crashing)
        return result

    monkeypatch.setattr(load_batch, "write_stage", written_before_the_other_moves_it)
    with suppress(Crash):
        pipeline.stage(policy=policy)
    monkeypatch.undo()
    assert [row.tracking_num for row in pipeline.table("stage_orders_table")] == ["Ta"]
    assert pipeline.files("archive").keys() == {"a.csv"}
    assert pipeline.files("rejected").keys() == {"bad.csv", "bad.csv.reason.txt"}


def leave_behind(pipeline: Pipeline, *names: str, attempt: int = 1) -> Claim:
    """Leave what a run does that dies when it has claimed all that has arrived, and such files."""
    for name in names:
        pipeline.drop(f"{name}.csv", lines(order(name)))
    claim = Claim(new_batch_id(utc_now()), "dead", tuple(list_arrivals(pipeline.landing).files), attempt)
    Checkpoint(pipeline.checkpoint).claim(claim)
    return claim


@pytest.mark.parametrize("move", [rename, copy_verify_delete])
def test_of_two_claims_at_once_each_file_goes_to_one(pipeline: Pipeline, move: Move) -> None:
    for number in range(50):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    volume = replace(open_volume(str(pipeline.volume)), move=move)
    files = tuple(list_arrivals(volume.landing).files)
    checkpoint, barrier = Checkpoint(pipeline.checkpoint), Barrier(2)

    def load() -> list[str]:
        claim = checkpoint.claim_new(Claim(new_batch_id(utc_now()), "run", files))
        return [file.path for file in claim.files if isinstance(take(volume, checkpoint, claim, file), TakenFile)]

    def race(_: int) -> list[str]:
        barrier.wait()
        return load()

    with ThreadPoolExecutor(2) as runs:
        first, second = runs.map(race, range(2))
    third = load()  # What each of the two has left to the other.
    assert pipeline.files("file_arrival") == {}
    assert sorted([*first, *second, *third]) == sorted(file.path for file in files)


def test_of_two_attempts_at_once_none_loses_a_file(pipeline: Pipeline) -> None:
    """One run takes another one for dead, and moves its files to the same places; here nothing can be renamed."""
    for number in range(50):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    volume = replace(open_volume(str(pipeline.volume)), move=copy_verify_delete)
    checkpoint = Checkpoint(pipeline.checkpoint)
    claim = Claim(new_batch_id(utc_now()), "run", tuple(list_arrivals(volume.landing).files))
    checkpoint.claim(claim)
    attempts, barrier = (claim, checkpoint.begin_again(claim)), Barrier(2)

    def race(attempt: Claim) -> None:
        barrier.wait()
        for file in attempt.files:
            take(volume, checkpoint, attempt, file)

    with ThreadPoolExecutor(2) as runs:
        list(runs.map(race, attempts))
    # One that both have stepped on stays where it was, for the next run.
    found = {**pipeline.files("file_arrival"), **pipeline.files("archive")}
    assert found == {f"{number}.csv": lines(order(number)).encode() for number in range(50)}


def test_two_merges_at_once_insert_a_new_order_once_and_the_one_that_fails_is_run_again(
    pipeline: Pipeline, server: ConnectAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    pipeline.spark.sql(
        f"ALTER TABLE {pipeline.tables.orders} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
    )
    turns = range(3)
    for turn in turns:
        for name in ("a", "b"):
            pipeline.drop(f"{name}{turn}.csv", lines(*(order(f"{turn}-{number}") for number in range(20))))
    pipeline.drop("meets-others.csv", lines(order("alone")))
    pipeline.stage(policy=Policy(max_files_of_a_batch=1))
    batches = {batch.files[0].path: batch for batch in Checkpoint(pipeline.checkpoint).staged()}
    # In threads of two sessions, each with a batch of its own that has the same new keys.
    KEPT_SESSIONS.append(SparkSession.builder.remote(server.url()).create())
    other = replace(pipeline, spark=KEPT_SESSIONS[-1])
    use_utc(other.spark)
    for turn in turns:
        barrier = Barrier(2)

        def merge(run: Pipeline, batch: StagedBatch, barrier: Barrier = barrier) -> MergeCounts:
            barrier.wait()
            return merge_batches(run.spark, run.contract, run.tables, [batch], lambda: "false")

        with ThreadPoolExecutor(2) as pool:
            one, two = pool.map(merge, (pipeline, other), (batches[f"a{turn}.csv"], batches[f"b{turn}.csv"]))
        assert (one.inserted + two.inserted, one.updated + two.updated <= 20) == (20, True)
    # Without Spark Connect, where nothing has imported `delta`, a conflict is an error of py4j: of no class of Spark's.
    first = RuntimeError("An error occurred while calling o9.sql. [DELTA_CONCURRENT_APPEND] files were added")
    others = (PySparkException(f"[{name}]") for name in ("DELTA_CONCURRENT_DELETE_READ", "DELTA_METADATA_CHANGED"))
    sql, conflicts = type(pipeline.spark).sql, iter((first, *others))

    def meets_another(spark: SparkSession, query: str, *args: Any, **kwargs: Any) -> Any:
        conflict = next(conflicts, None) if "MERGE INTO" in query else None
        if conflict:
            raise conflict
        return sql(spark, query, *args, **kwargs)

    monkeypatch.setattr(type(pipeline.spark), "sql", meets_another)
    assert pipeline.merge().inserted == 1
    assert next(conflicts, None) is None
    keys = [row.tracking_num for row in pipeline.table("orders_table", "tracking_num")]
    assert len(keys) == len(set(keys)) == 61


def test_two_processes_that_run_the_job_at_once_insert_a_new_order_once(
    pipeline: Pipeline, server: ConnectAddress
) -> None:
    """Of two jobs on the same tables, each with a volume of its own: neither knows of the other."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    jobs = (pipeline, replace(pipeline, volume=pipeline.volume.parent / "another volume"))
    for turn in range(2):  # The second time there are other orders in the table.
        for job in jobs:
            job.drop("a.csv", lines(*(order(f"{turn}-{number}") for number in range(20))))
        processes = [JobProcess(server, job) for job in jobs]
        assert all(process.wait() for process in processes)
    keys = [row.tracking_num for row in pipeline.table("orders_table", "tracking_num")]
    assert len(keys) == len(set(keys)) == 40
    assert len(pipeline.table("stage_orders_table")) == 80
