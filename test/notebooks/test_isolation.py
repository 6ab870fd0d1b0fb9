"""What is wrong with one file, or one file of the checkpoint, stops nothing else."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from crash_scenario import Crash, crashing
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.rule import Rule, matching
from order_tracking.errors import LoadError, QualityGateError
from order_tracking.files import recovery
from order_tracking.files.batch import halves_of, is_batch_id, larger_batches, new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, StagedBatch
from order_tracking.files.claimed_files import outcome
from order_tracking.files.landing import ArrivedFile, list_arrivals
from order_tracking.files.recovery import recover
from order_tracking.files.volume import Volume, open_volume
from order_tracking.parameters import NewColumns
from order_tracking.rows import order_rows
from order_tracking.tables.job_log import State
from order_tracking.tables.tables import create_missing
from order_tracking.tasks import load_batch, source_to_stage
from order_tracking.tasks.load_batch import Policy
from pipeline import HEADER, Pipeline, lines, order

POISON = "poison.csv"


def break_on(monkeypatch: pytest.MonkeyPatch, *paths: str) -> list[list[str]]:
    """Let no batch be written that has one of these files; returns the files of each that was tried."""
    tried: list[list[str]] = []
    read = load_batch.read_order_rows

    def failing(spark: Any, contract: Any, files: Any, *rest: Any) -> Any:
        tried.append([each.file.path for each in files])
        if any(each.file.path in paths for each in files):
            raise OSError("it broke Spark")
        return read(spark, contract, files, *rest)

    monkeypatch.setattr(load_batch, "read_order_rows", failing)
    return tried


@pytest.mark.parametrize(
    ("rule", "files"), [(Rule("known", "status", "is_known({status})", "no"), 1), (matching("status", "[A-Z"), 2)]
)
def test_no_file_is_rejected_for_a_contract_that_spark_does_not_understand_and_no_batch_divided(
    pipeline: Pipeline, rule: Rule, files: int
) -> None:
    pipeline.contract = replace(ORDERS, rules=(rule,))
    for number in range(files):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    for run in range(6):
        with pytest.raises(LoadError):
            pipeline.stage(str(run))
    pipeline.contract = ORDERS
    assert not [path for path in (pipeline.volume / "rejected").rglob("*") if path.is_file()]
    [claim] = Checkpoint(pipeline.checkpoint).claimed()
    assert len(claim.files) == files
    staged, _ = pipeline.run()
    assert set(pipeline.statuses()) == {f"T{number}" for number in range(files)}
    # It was begun so often that it is divided now, though nothing is wrong with any of its files.
    batch_ids = {claim.batch_id} if files == 1 else set(halves_of(claim.batch_id))
    assert {file.batch_id for file in staged.files} == batch_ids


def test_a_file_that_breaks_a_rule_by_an_error_keeps_no_other_from_being_loaded(pipeline: Pipeline) -> None:
    rule = Rule("positive", "order_num", "CAST(substr({order_num}, 2) AS INT) > 0", "order_num is not positive")
    pipeline.contract = replace(ORDERS, rules=(rule,))
    pipeline.drop("good.csv", lines(order(1)))
    pipeline.drop("bad.csv", lines(order("x")))
    for _ in range(2):
        with pytest.raises(LoadError):
            pipeline.stage()
    staged = pipeline.stage()
    assert {file.path: file.outcome for file in staged.files} == {"good.csv": "staged", "bad.csv": "rejected"}
    assert pipeline.merge().inserted == 1


def test_a_file_that_breaks_every_load_is_found_and_rejected_and_the_others_are_loaded(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    pipeline.drop(POISON, lines(order(99)))
    break_on(monkeypatch, POISON)
    for _ in range(2):
        with pytest.raises(LoadError, match=r"\(6 files\) was not loaded to its end"):
            pipeline.stage("1")
    staged = pipeline.stage("1")
    assert {file.path: file.outcome for file in staged.files} == {
        **{f"{number}.csv": "staged" for number in range(5)},
        POISON: "rejected",
    }
    reason = "it could not be loaded in 5 attempts: OSError: it broke Spark"
    assert pipeline.files("rejected")[f"{POISON}.reason.txt"].decode() == f"{reason}\n"
    assert pipeline.merge("1").inserted == 5
    with pytest.raises(QualityGateError, match=reason):
        pipeline.gate("1")
    assert len(pipeline.table("stage_orders_table")) == 5
    assert (Checkpoint(pipeline.checkpoint).claimed(), Checkpoint(pipeline.checkpoint).staged()) == ([], [])


@pytest.mark.parametrize("name", ["stage", "quarantine"])
def test_no_file_is_rejected_while_the_tables_cannot_be_written(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A statement that finds nothing to delete succeeds there as well."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    table = getattr(pipeline.tables, name)
    pipeline.spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT full CHECK (_batch_id = 'never')").collect()
    pipeline.drop(POISON, lines(order(99)))
    with monkeypatch.context() as patch:
        break_on(patch, POISON)
        for _ in range(5):
            with pytest.raises(LoadError):
                pipeline.stage()
    assert pipeline.files("rejected") == {}
    pipeline.spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT full").collect()
    pipeline.run()
    assert (set(pipeline.statuses()), pipeline.quarantine()) == ({"T99"}, [])


def test_a_file_that_cannot_be_taken_stays_where_it_is_and_is_told_at_each_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose path is too long for a directory of the archive."""
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop(POISON, lines(order(99)))
    take = load_batch.take

    def refuse(volume: Any, checkpoint: Any, claim: Any, file: Any) -> Any:
        if file.path == POISON:
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        return take(volume, checkpoint, claim, file)

    monkeypatch.setattr(load_batch, "take", refuse)
    for _ in range(2):
        with pytest.raises(LoadError):
            pipeline.stage("1")
    staged = pipeline.stage("1")
    assert {file.path: file.outcome for file in staged.files} == {"a.csv": "staged", POISON: "dropped"}
    assert pipeline.merge("1").inserted == 1
    with pytest.raises(QualityGateError, match=r"poison\.csv: it could not be loaded .*File name too long"):
        pipeline.gate("1")
    assert pipeline.files("file_arrival").keys() == {POISON}
    assert Checkpoint(pipeline.checkpoint).claimed() == []


def test_what_is_new_is_loaded_before_what_failed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.drop(POISON, lines(order(99)))
    tried = break_on(monkeypatch, POISON)
    with pytest.raises(LoadError):
        pipeline.stage()
    pipeline.drop("a.csv", lines(order(1)))
    with pytest.raises(LoadError):
        pipeline.stage()
    assert tried == [[POISON], ["a.csv"], [POISON]]
    assert pipeline.merge().inserted == 1


def test_a_batch_whose_task_always_dies_is_divided(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        pipeline.drop(name, lines(order(name)))
    write = load_batch.write_stage

    def dying(*args: Any) -> Any:
        if len(list((pipeline.volume / "archive").rglob("?.csv"))) and not dying_ends():
            raise KeyboardInterrupt
        return write(*args)

    def dying_ends() -> bool:
        return any("-1." in path.name for path in (pipeline.checkpoint / "batches").iterdir())

    monkeypatch.setattr(load_batch, "write_stage", dying)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            pipeline.stage()
    staged, _ = pipeline.run()
    batches = {str(file.batch_id) for file in staged.files}
    [whole] = staged.resumed_batch_ids
    assert batches == set(halves_of(whole))
    assert set(pipeline.statuses()) == {"Ta.csv", "Tb.csv"}
    assert len(pipeline.table("stage_orders_table")) == 2


def test_a_backlog_is_loaded_in_batches_that_stay_done(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    tried = break_on(monkeypatch, "4.csv")
    with pytest.raises(LoadError):
        pipeline.stage(policy=Policy(max_files_of_a_batch=2))
    assert [len(files) for files in tried] == [2, 2, 1]
    assert pipeline.merge().inserted == 4


def test_a_run_leaves_to_the_next_one_what_it_has_no_time_for(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("failing.csv", lines(order(0)))
    with monkeypatch.context() as patch:
        break_on(patch, "failing.csv")
        with pytest.raises(LoadError):
            pipeline.stage()
    for number in range(1, 6):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    one_batch = Policy(max_files_of_a_batch=2)
    with monkeypatch.context() as patch:
        patch.setattr(source_to_stage, "_TIME_FOR_NEW", timedelta(0))
        patch.setattr(source_to_stage, "_TIME_FOR_LEFT_BEHIND", timedelta(0))
        staged = pipeline.stage(policy=one_batch)
    left = {file.path: str(file.reason)[:28] for file in staged.files if file.outcome == "deferred"}
    assert left == dict.fromkeys(["3.csv", "4.csv", "5.csv"], "this run has no more time fo")
    assert (staged.resumed_batch_ids, list(pipeline.files("file_arrival"))) == ((), sorted(left))
    staged = pipeline.stage(policy=one_batch)
    assert (len(staged.resumed_batch_ids), pipeline.merge().inserted) == (1, 6)


def test_the_files_of_damaged_claims_are_found_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = ['{"batch_id": "2026', "", "[]", '{"batch_id": 1, "run_id": "x", "files": []}']
    folders = range(len(contents))
    for folder in folders:  # Each is a batch.
        pipeline.drop(f"{folder}/a.csv", lines(order(folder)))
        pipeline.drop(f"{folder}/bad.csv", "no header\n")
    with monkeypatch.context() as patch:
        break_on(patch, *(f"{folder}/a.csv" for folder in folders))
        with pytest.raises(LoadError):
            pipeline.stage("1", Policy(max_files_of_a_batch=2))
    claims = (pipeline.checkpoint / "batches").glob("*.claimed.json")
    for claim, content in zip(claims, contents, strict=True):
        claim.write_text(content)
    pipeline.drop("new.csv", lines(order("new")))
    staged = pipeline.stage("2")
    told = "the 2 files of its batch were found in the archive and are loaded again"
    assert [warning for warning in staged.warnings if told not in warning] == []
    assert len(staged.warnings) == len(contents)
    assert {file.path: file.outcome for file in staged.files} == {
        "new.csv": "staged",
        **{f"{folder}/a.csv": "staged" for folder in folders},
        **{f"{folder}/bad.csv": "rejected" for folder in folders},
    }
    pipeline.merge("2")
    assert set(pipeline.statuses()) == {"Tnew", *(f"T{folder}" for folder in folders)}
    with pytest.raises(QualityGateError, match="the checkpoint had a damaged file"):
        pipeline.gate("2")
    kept = [path.read_text() for path in (pipeline.checkpoint / "unreadable").iterdir()]
    assert sorted(kept) == sorted(contents)


def test_a_run_that_dies_while_it_finds_the_files_of_a_damaged_claim_leaves_that_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    damaged = {}
    for name in ("a.csv", "b.csv"):
        batch_id = new_batch_id(datetime.now(timezone.utc))
        damaged[batch_id] = [name]
        volume.archive_of(batch_id).mkdir(parents=True)
        (volume.archive_of(batch_id) / name).touch()
        (tmp_path / "checkpoint" / "batches" / f"{batch_id}.claimed.json").write_text("{")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="Input/output error"):
        patch.setattr(recovery, "files_below", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
        recover(checkpoint, volume, "1")
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(checkpoint, "claim", crashing)
        recover(checkpoint, volume, "1")
    warnings, alarms = recover(checkpoint, volume, "1")
    assert (warnings, len(alarms)) == ([], 2)
    assert {claim.batch_id: [file.path for file in claim.files] for claim in checkpoint.claimed()} == damaged
    assert recover(checkpoint, volume, "2") == ([], [])


def halves_of_a_batch(volume: Volume) -> tuple[str, tuple[Claim, Claim]]:
    """A batch of a.csv and b.csv, and the claims of its halves, whose files are in the directory of the whole."""
    whole = new_batch_id(datetime.now(timezone.utc))
    volume.archive_of(whole).mkdir(parents=True)
    for name in ("a.csv", "b.csv"):
        (volume.archive_of(whole) / name).touch()
    return whole, Claim(whole, "run", tuple(list_arrivals(volume.archive_of(whole)).files)).halves()


@pytest.mark.parametrize("is_there", [True, False])
def test_the_files_of_a_half_whose_claim_is_damaged_are_found_beside_those_of_the_other_half(
    tmp_path: Path, is_there: bool
) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    whole, (first, second) = halves_of_a_batch(volume)
    checkpoint.claim(second)
    # A file of the same name came later.
    checkpoint.claim(replace(first, batch_id=new_batch_id(datetime.now(timezone.utc))))
    (tmp_path / "checkpoint" / "batches" / f"{first.batch_id}.claimed.json").write_text("{")
    if not is_there:
        (volume.archive_of(whole) / "a.csv").unlink()
    warnings, alarms = recover(checkpoint, volume, "run")
    assert (len(warnings), len(alarms)) == ((0, 1) if is_there else (1, 0))
    assert (first in checkpoint.claimed()) == is_there
    assert second in checkpoint.claimed()
    assert recover(checkpoint, volume, "run") == ([], [])


def test_what_a_half_has_loaded_is_not_claimed_with_the_other_half_whose_claim_is_damaged(tmp_path: Path) -> None:
    """Where a move is a copy, its file may be left in the directory of the whole."""
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    _, (first, second) = halves_of_a_batch(volume)
    loaded = tuple(outcome(first.batch_id, file, State.STAGED) for file in first.files)
    checkpoint.stage(StagedBatch(first.batch_id, loaded))
    checkpoint.close(first.batch_id)
    (tmp_path / "checkpoint" / "batches" / f"{second.batch_id}.claimed.json").write_text("{")
    recover(checkpoint, volume, "run")
    assert checkpoint.claimed() == [second]


def test_a_batch_whose_outcome_is_damaged_is_loaded_again(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.stage()
    [staged] = (pipeline.checkpoint / "batches").glob("*.staged.json")
    staged.write_text(staged.read_text()[:-5])
    assert pipeline.merge().batches == ()
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1"}
    assert len(pipeline.table("stage_orders_table")) == 1


def test_a_forged_claim_moves_nothing_outside_the_volume(pipeline: Pipeline) -> None:
    outside = pipeline.volume.parent / "outside.csv"
    outside.write_text(lines(order(1)))
    batches = pipeline.checkpoint / "batches"
    batches.mkdir(parents=True)
    paths = ["../outside.csv", "/etc/outside.csv", "a/../../../outside.csv", "", "a\0b"]
    for path in paths:
        batch_id = new_batch_id(datetime(2026, 1, 2, tzinfo=timezone.utc))
        file = {"path": path, "size_bytes": 1, "modified_at": "2026-01-02T00:00:00+00:00", "file_id": "x"}
        claim = {"batch_id": batch_id, "run_id": "1", "files": [file], "attempt": 1}
        (batches / f"{batch_id}.claimed.json").write_text(json.dumps(claim))
    (batches / "..%2F..x.claimed.json").write_text(json.dumps({**claim, "batch_id": "..%2F..x", "files": []}))
    pipeline.run()
    assert outside.exists()
    assert pipeline.table("stage_orders_table") == []
    assert len(list((pipeline.checkpoint / "unreadable").iterdir())) == len(paths) + 1


def test_what_clients_can_write_is_no_checkpoint(pipeline: Pipeline) -> None:
    pipeline.run()
    forged = pipeline.volume / "checkpoint" / "batches" / f"{new_batch_id(datetime.now(timezone.utc))}.claimed.json"
    forged.parent.mkdir(parents=True)
    forged.write_text("{}")
    pipeline.drop("a.csv", lines(order(1)))
    staged, _ = pipeline.run()
    assert [file.path for file in staged.files] == ["a.csv"]
    assert forged.exists()


def test_a_batchs_name_is_nothing_else() -> None:
    whole = new_batch_id(datetime(2026, 1, 2, tzinfo=timezone.utc))
    half = halves_of(halves_of(whole)[0])[1]
    assert is_batch_id(whole) and is_batch_id(half)
    assert larger_batches(half) == [f"{whole}-1", whole] and larger_batches(whole) == []
    assert not any(map(is_batch_id, ("", "..", "a/b", f"{whole}/..", f"{whole}-3", "20261399T000000.000000Z-abcdef")))


def test_a_header_that_takes_names_of_the_pipeline_alters_no_table(pipeline: Pipeline) -> None:
    names = ["is_current", "raw_row", "reasons", "valid_from", "valid_to"]
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    before = pipeline.spark.table(pipeline.tables.orders).columns
    header = ",".join([HEADER, *names, "_batch_id", "carrier"])
    pipeline.drop("a.csv", lines(f"{order(1)}{',x' * len(names)},x,DHL", header=header))
    staged, _ = pipeline.run(Policy(NewColumns.ADD))
    [told] = (warning for warning in staged.warnings if warning.startswith("columns were not added, since the tables"))
    assert set(told.split(": ")[1].split(", ")) == set(names)
    assert set(pipeline.spark.table(pipeline.tables.orders).columns) - set(before) == {"batch_id", "carrier"}
    pipeline.drop("b.csv", lines(order(2)))
    pipeline.run(Policy(NewColumns.ADD))
    assert set(pipeline.statuses()) == {"T1", "T2"}
    assert len(pipeline.table("orders_history")) == 2


def test_names_that_only_the_views_had_taken_are_free(pipeline: Pipeline) -> None:
    names = [
        "this",
        "current",
        "newest",
        "state",
        "latest",
        "s",
        "t",
        "file",
        "last",
        "select",
        "Größe",
        "\u0131d",
    ]
    pipeline.drop("a.csv", lines(f"{order(1)},{','.join('x' * len(names))}", header=",".join([HEADER, *names])))
    pipeline.run(Policy(NewColumns.ADD))
    pipeline.drop(
        "b.csv", lines(f"{order(1, 'DELIVERED')},{','.join('y' * len(names))}", header=",".join([HEADER, *names]))
    )
    pipeline.run(Policy(NewColumns.ADD))
    [row] = pipeline.table("orders_table", "status", "`this`", "current", "newest", "state", "s", "t", "`grösse`", "id")
    assert tuple(row) == ("DELIVERED", *"yyyyyyyy")
    assert [row.status for row in pipeline.table("orders_history")] == ["DELIVERED"]


def test_columns_are_not_added_without_end(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_batch, "_MAX_ADDED_COLUMNS", 2)
    for number, names in enumerate((["a"], ["b", "c", "d"])):
        pipeline.drop(f"{number}.csv", lines(f"{order(number)}{',x' * len(names)}", header=",".join([HEADER, *names])))
        staged, _ = pipeline.run(Policy(NewColumns.ADD))
    assert {"a", "b"} <= set(pipeline.spark.table(pipeline.tables.orders).columns)
    assert any("have 2 added ones already: c, d" in warning for warning in staged.warnings)
    assert len(pipeline.statuses()) == 2


def counted_otherwise(*paths: str) -> Callable[..., Any]:
    inspect = load_batch.inspect

    def counting(location: Path, *rest: Any) -> Any:
        content = inspect(location, *rest)
        return load_batch.replace(content, records=content.records + 1) if location.name in paths else content

    return counting


def test_a_file_whose_records_do_not_add_up_is_set_aside_with_both_numbers(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "lone"):
        pipeline.drop(f"{name}.csv", lines(order(name), "bad"))
    monkeypatch.setattr(load_batch, "inspect", counted_otherwise("a.csv", "lone.csv"))
    staged = pipeline.stage("1", Policy(max_files_of_a_batch=2))  # So a.csv has another one beside it.
    reason = "it has 3 rows, but 1 were staged and 1 quarantined; nothing of it is loaded"
    assert {file.path: (file.outcome, file.reason) for file in staged.files} == {
        "a.csv": ("rejected", reason),
        "b.csv": ("staged", None),
        "lone.csv": ("rejected", reason),
    }
    pipeline.merge("1")
    with pytest.raises(QualityGateError, match=f"a.csv: {reason}; lone.csv: {reason}"):
        pipeline.gate("1")
    assert set(pipeline.statuses()) == {"Tb"}
    assert [file for file, *_ in pipeline.quarantine()] == ["b.csv"]


def test_rows_that_another_attempt_wrote_at_the_same_moment_are_counted_once_more(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was thought dead appends after this one has deleted what it had left."""
    write_stage, written = load_batch.write_stage, []

    def beside_another(*args: Any) -> Any:
        written.append(args)
        if len(written) > 1:
            return write_stage(*args)
        write_stage(*args)
        return replace(write_stage(*args), staged_of=None)  # As of many files, which are counted in the table.

    monkeypatch.setattr(load_batch, "write_stage", beside_another)
    pipeline.drop("a.csv", lines(order(1), order(2)))
    pipeline.drop("b.csv", lines(order(3)))
    staged, merged = pipeline.run()
    assert [file.outcome for file in staged.files] == ["staged", "staged"]
    assert (merged.inserted, len(pipeline.table("stage_orders_table")), len(written)) == (3, 3, 2)


def test_rows_that_are_told_of_another_file_are_noticed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a runtime that writes a character of a path in another way."""
    monkeypatch.setattr(order_rows, "_source_file", lambda _: "'somewhere else'")
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("b.csv", lines(order(2)))
    staged = pipeline.stage("1")
    assert [(file.outcome, str(file.reason)[:40]) for file in staged.files] == [
        ("rejected", "it has 1 rows, but 0 were staged and 0 q")
    ] * 2
    assert pipeline.table("stage_orders_table") == []
    with pytest.raises(QualityGateError, match="it has 1 rows, but 0 were staged"):
        pipeline.gate("1")


def test_a_file_that_cannot_be_read_since_it_is_still_being_written_is_not_rejected(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    being_written = {name: lines(order(f"{name}\u00fc")).encode() for name in ("sent once.csv", "sent again.csv")}
    for name, whole in being_written.items():
        pipeline.drop(name, whole[: whole.index(b"\xc3") + 1], minutes_ago=11)
    pipeline.drop("b.csv", lines(order(2)))
    inspect = load_batch.inspect

    def written_meanwhile(location: Path, *rest: Any) -> Any:
        try:
            return inspect(location, *rest)
        finally:
            whole = being_written.pop(location.name, None)
            if whole:
                location.write_bytes(whole)
                if location.name == "sent again.csv":  # Then it cannot be put back.
                    pipeline.drop("sent again.csv", lines(order(3)))

    monkeypatch.setattr(load_batch, "inspect", written_meanwhile)
    staged, _ = pipeline.run()
    assert {file.path: file.outcome for file in staged.files} == {
        "b.csv": "staged",
        "sent again.csv": "staged",
        "sent once.csv": "dropped",
    }
    pipeline.run()
    assert set(pipeline.statuses()) == {"Tsent once.csv\u00fc", "Tsent again.csv\u00fc", "T2", "T3"}


def test_a_file_that_is_written_while_it_is_rejected_keeps_no_other_from_being_loaded(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", "no header\n")
    pipeline.drop("b.csv", lines(order(2)))

    def written_meanwhile(volume: Any, batch_id: str, file: ArrivedFile, *_: Any) -> Any:
        monkeypatch.undo()
        (volume.archive_of(batch_id) / file.path).write_text(lines(order(1)))
        raise LoadError("it is still being written")

    monkeypatch.setattr(load_batch, "reject", written_meanwhile)
    staged, _ = pipeline.run()
    assert {file.path: file.outcome for file in staged.files} == {"a.csv": "dropped", "b.csv": "staged"}
    pipeline.run()
    assert set(pipeline.statuses()) == {"T1", "T2"}


def test_a_lone_carriage_return_loses_no_row(pipeline: Pipeline) -> None:
    pipeline.drop("header.csv", f"{HEADER}\r{lines(order(2), order(3), header=order(1))}")
    pipeline.drop("rows.csv", f"{lines(order(4))}{order(5)}\r{order(6)}\n{order(7)}\n")
    staged, _ = pipeline.run()
    outcomes = {file.path: (file.outcome, file.rows_staged, file.rows_quarantined) for file in staged.files}
    assert outcomes == {"header.csv": ("rejected", 0, 0), "rows.csv": ("staged", 2, 1)}
    assert set(pipeline.statuses()) == {"T4", "T7"}
    [row] = pipeline.table("quarantined_orders_table", "raw_row")
    assert "T5" in row.raw_row and "T6" in row.raw_row


def test_a_blank_first_line_is_none(pipeline: Pipeline) -> None:
    for name, first in {"a": "", "b": " ", "c": "\t", "d": "\r\n"}.items():
        pipeline.drop(
            f"{name}1.csv", f"{first}\r\n{lines(order(f'{name}1'), order(f'{name}2'), end=chr(13) + chr(10))}"
        )
        quoted = order(f"{name}3").replace(f"{name}3 Main Street", '"x"')
        pipeline.drop(f"{name}2.csv", f"{first}\r\n{lines(quoted, order(f'{name}4'))}")
    staged, _ = pipeline.run()
    assert [(file.outcome, file.rows_staged) for file in staged.files] == [("staged", 2)] * 8
    assert set(pipeline.statuses()) == {f"T{name}{number}" for name in "abcd" for number in range(1, 5)}


def test_a_file_of_an_open_batch_is_not_claimed_again(pipeline: Pipeline) -> None:
    """Where a move is a copy, a file of a batch may still be there."""
    pipeline.drop("a.csv", lines(order(1)))
    files: tuple[ArrivedFile, ...] = tuple(list_arrivals(open_volume(str(pipeline.volume)).landing).files)
    claim = Claim(new_batch_id(datetime.now(timezone.utc)), "run", files)
    Checkpoint(pipeline.checkpoint).claim(claim)
    staged, merged = pipeline.run()
    assert (staged.batch_ids, staged.resumed_batch_ids, merged.inserted) == ((), (claim.batch_id,), 1)
