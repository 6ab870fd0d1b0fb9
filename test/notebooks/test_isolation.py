"""What is wrong with one file, or one file of the checkpoint, stops nothing else."""

import errno
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from crash_scenario import Crash, crashing
from order_tracking.contract.contract import column_name
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


def test_no_file_is_rejected_for_a_contract_that_spark_does_not_understand_and_no_batch_divided(
    pipeline: Pipeline,
) -> None:
    for number in range(3):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    rules = Rule("known", "status", "is_known({status})", "no"), matching("status", "[A-Z")
    # From the third on, the batch of two would be divided, and the file that is alone rejected. After the seventh it
    # was begun more often than one may be that the task dies of.
    for run in range(7):
        pipeline.contract = replace(ORDERS, rules=(rules[run % 2],))
        with pytest.raises(LoadError):
            pipeline.stage(str(run), Policy(max_files_of_a_batch=2))
    pipeline.contract = ORDERS
    assert not [path for path in (pipeline.volume / "rejected").rglob("*") if path.is_file()]
    pair, lone = Checkpoint(pipeline.checkpoint).claimed()
    assert (len(pair.files), len(lone.files)) == (2, 1)
    staged = pipeline.stage()
    pipeline.merge()
    assert set(pipeline.statuses()) == {"T0", "T1", "T2"}
    # It was begun so often that it is divided now, though nothing is wrong with any of its files.
    assert {file.batch_id for file in staged.files} == {lone.batch_id, *halves_of(pair.batch_id)}


def test_a_file_that_breaks_every_load_is_found_and_set_aside_and_the_others_are_loaded(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    pipeline.drop(POISON, lines(order(99)))
    break_on(monkeypatch, POISON)
    # The files of each folder are a batch of their own. One breaks a rule by an error.
    rule = Rule("positive", "order_num", "CAST(substr({order_num}, 2) AS INT) > 0", "order_num is not positive")
    pipeline.contract = replace(ORDERS, rules=(rule,))
    pipeline.drop("other/good.csv", lines(order(11)))
    pipeline.drop("other/bad.csv", lines(order("x")))
    # One cannot be taken, as where its path is too long for a directory of the archive.
    # So much of blank lines is in the file before it that it does not fit beside those of the other folder.
    pipeline.drop("third/a.csv", lines(order(12), *[""] * 900))
    pipeline.drop("third/refused.csv", lines(order(98)))
    policy = Policy(max_files_of_a_batch=6, max_bytes_of_a_batch=1300)
    take = load_batch.take

    def refuse(volume: Any, checkpoint: Any, claim: Any, file: Any) -> Any:
        if file.path == "third/refused.csv":
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        return take(volume, checkpoint, claim, file)

    monkeypatch.setattr(load_batch, "take", refuse)
    for _ in range(2):
        with pytest.raises(LoadError, match=r"\(6 files\), \S+ \(2 files\), \S+ \(2 files\) was not loaded"):
            pipeline.stage("1", policy)
    staged = pipeline.stage("1", policy)
    assert {file.path: file.outcome for file in staged.files} == {
        **{f"{number}.csv": "staged" for number in range(1, 6)},
        POISON: "rejected",
        "other/good.csv": "staged",
        "other/bad.csv": "rejected",
        "third/a.csv": "staged",
        "third/refused.csv": "dropped",
    }
    reason = "it could not be loaded in 5 attempts: OSError: it broke Spark"
    assert pipeline.files("rejected")[f"{POISON}.reason.txt"].decode() == f"{reason}\n"
    assert pipeline.files("file_arrival").keys() == {"third/refused.csv"}  # It stays where it is.
    assert pipeline.merge("1").inserted == 7
    with pytest.raises(QualityGateError) as raised:
        pipeline.gate("1")
    assert reason in str(raised.value)
    assert re.search(r"refused\.csv: it could not be loaded .*File name too long", str(raised.value))
    assert len(pipeline.table("stage_orders_table")) == 7
    assert (Checkpoint(pipeline.checkpoint).claimed(), Checkpoint(pipeline.checkpoint).staged()) == ([], [])


def test_no_file_is_rejected_while_one_of_the_tables_cannot_be_written(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that finds nothing to delete succeeds there as well."""
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    pipeline.drop(POISON, lines(order(99)))
    with monkeypatch.context() as patch:
        break_on(patch, POISON)
        # From the third run on, the file was tried so often that it would be rejected; after the seventh it was begun
        # more often than one may be that the task dies of.
        for table, runs in ((pipeline.tables.stage, 4), (pipeline.tables.quarantine, 3)):
            pipeline.spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT full CHECK (_batch_id = 'never')").collect()
            for _ in range(runs):
                with pytest.raises(LoadError):
                    pipeline.stage()
            assert pipeline.files("rejected") == {}
            pipeline.spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT full").collect()
    pipeline.load()
    assert (set(pipeline.statuses()), pipeline.quarantine()) == ({"T99"}, [])


@pytest.mark.parametrize(("ends_by", "is_spark_alive"), [(OSError, True), (OSError, False), (KeyboardInterrupt, True)])
def test_a_file_is_rejected_that_the_task_or_spark_died_of_each_time_and_is_tried_after_any_outage(
    tmp_path: Path, ends_by: type[BaseException], is_spark_alive: bool
) -> None:
    checkpoint, now = Checkpoint(tmp_path), datetime.now(timezone.utc)
    checkpoint.claim(Claim(new_batch_id(now), "run", (ArrivedFile("a.csv", 3 << 29, now, "a"),)))
    # Nothing can be rejected meanwhile.
    loader = Mock(checkpoint=checkpoint, **{"load.side_effect": ends_by, "give_up.side_effect": OSError})
    loader.spark.sql.side_effect = None if is_spark_alive else ConnectionError
    for _ in range(20):
        loader.reset_mock()
        with suppress(KeyboardInterrupt):
            source_to_stage._Batches(loader, Mock(), lambda: now).load_left_behind(checkpoint.claimed())
    is_an_outage = ends_by is OSError and is_spark_alive
    assert loader.load.called == is_an_outage
    [(_, error)] = [each.args for each in loader.give_up.call_args_list]
    told = re.fullmatch(r"\d+ times the task ended before the file was loaded; it has 1.5 GiB, and may .*", str(error))
    assert bool(told) != is_an_outage


def test_what_waits_behind_a_file_that_takes_spark_along_is_left_to_a_run_that_has_one(tmp_path: Path) -> None:
    checkpoint, now = Checkpoint(tmp_path), datetime.now(timezone.utc)
    for name in "ab":
        checkpoint.claim(Claim(new_batch_id(now), "run", (ArrivedFile(name, 3, now, name),), attempt=4))
    loader = Mock(checkpoint=checkpoint, policy=Policy(), **{"load.side_effect": OSError})
    loader.spark.sql.side_effect = ConnectionError
    batches = source_to_stage._Batches(loader, Mock(), lambda: now)
    first, second = checkpoint.claimed()
    assert batches.load_left_behind([first, second]) == [first]
    assert batches.load_new([ArrivedFile("c", 3, now, "c")], "run") == ([], {"c": source_to_stage._NO_SPARK})
    assert (loader.load.call_count, loader.give_up.called, second in checkpoint.claimed()) == (1, False, True)


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
    staged = pipeline.stage()
    batches = {str(file.batch_id) for file in staged.files}
    [whole] = staged.resumed_batch_ids
    assert batches == set(halves_of(whole))
    assert pipeline.merge().inserted == 2
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == ["Ta.csv", "Tb.csv"]


def test_a_backlog_is_loaded_in_batches_that_stay_done_what_is_new_first_as_long_as_there_is_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_files = Policy(max_files_of_a_batch=2)
    for number in range(5):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    with monkeypatch.context() as patch:
        tried = break_on(patch, "4.csv")
        with pytest.raises(LoadError):
            pipeline.stage(policy=two_files)
        assert [len(files) for files in tried] == [2, 2, 1]
        pipeline.drop("new.csv", lines(order("new")))
        with pytest.raises(LoadError):
            pipeline.stage(policy=two_files)
        assert tried[2:] == [["4.csv"], ["new.csv"], ["4.csv"]]
    assert pipeline.merge().inserted == 5
    for number in range(5, 10):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    with monkeypatch.context() as patch:
        patch.setattr(source_to_stage, "_TIME_FOR_NEW", timedelta(0))
        patch.setattr(source_to_stage, "_TIME_FOR_LEFT_BEHIND", timedelta(0))
        staged = pipeline.stage(policy=two_files)
    left = {file.path: str(file.reason)[:28] for file in staged.files if file.outcome == "deferred"}
    assert left == dict.fromkeys(["7.csv", "8.csv", "9.csv"], "this run has no more time fo")
    assert (staged.resumed_batch_ids, list(pipeline.files("file_arrival"))) == ((), sorted(left))
    staged = pipeline.stage(policy=two_files)
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


def test_a_batch_is_loaded_once_whose_file_is_still_there_and_again_where_its_outcome_is_damaged(
    pipeline: Pipeline,
) -> None:
    """Where a move is a copy, a file of a batch may still be there."""
    pipeline.drop("a.csv", lines(order(1)))
    files: tuple[ArrivedFile, ...] = tuple(list_arrivals(open_volume(str(pipeline.volume)).landing).files)
    claim = Claim(new_batch_id(datetime.now(timezone.utc)), "run", files)
    Checkpoint(pipeline.checkpoint).claim(claim)
    staged = pipeline.stage()
    assert (staged.batch_ids, staged.resumed_batch_ids, staged.rows_staged) == ((), (claim.batch_id,), 1)
    [outcome_of_batch] = (pipeline.checkpoint / "batches").glob("*.staged.json")
    outcome_of_batch.write_text(outcome_of_batch.read_text()[:-5])
    assert pipeline.merge().batches == ()
    pipeline.stage()
    assert pipeline.merge().inserted == 1
    assert set(pipeline.statuses()) == {"T1"}
    assert len(pipeline.table("stage_orders_table")) == 1


def test_a_forged_claim_moves_nothing_outside_the_volume_and_what_clients_can_write_is_no_checkpoint(
    pipeline: Pipeline,
) -> None:
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
    pipeline.stage()
    assert outside.exists()
    assert pipeline.table("stage_orders_table") == []
    assert len(list((pipeline.checkpoint / "unreadable").iterdir())) == len(paths) + 1
    forged = pipeline.volume / "checkpoint" / "batches" / f"{new_batch_id(datetime.now(timezone.utc))}.claimed.json"
    forged.parent.mkdir(parents=True)
    forged.write_text("{}")
    pipeline.drop("a.csv", lines(order(1)))
    staged = pipeline.stage()
    assert [file.path for file in staged.files] == ["a.csv"]
    assert forged.exists()


def test_a_batchs_name_is_nothing_else() -> None:
    whole = new_batch_id(datetime(2026, 1, 2, tzinfo=timezone.utc))
    half = halves_of(halves_of(whole)[0])[1]
    assert is_batch_id(whole) and is_batch_id(half)
    assert larger_batches(half) == [f"{whole}-1", whole] and larger_batches(whole) == []
    assert not any(map(is_batch_id, ("", "..", "a/b", f"{whole}/..", f"{whole}-3", "20261399T000000.000000Z-abcdef")))


def with_columns(row: str, value: str, names: list[str]) -> str:
    """The text of a file of one row, with more columns than the contract has."""
    return lines(f"{row}{f',{value}' * len(names)}", header=",".join([HEADER, *names]))


def test_columns_are_added_but_for_names_of_the_pipeline_and_not_without_end(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = ["is_current", "raw_row", "reasons", "valid_from", "valid_to"]
    # Names that only the views had taken.
    free = ["this", "current", "newest", "state", "latest", "s", "t", "file", "last", "select", "Größe", "\u0131d"]
    create_missing(pipeline.spark, ORDERS, pipeline.tables)
    before = set(pipeline.spark.table(pipeline.tables.orders).columns)
    pipeline.drop("taken.csv", with_columns(order(1), "x", [*taken, "_batch_id", "carrier"]))
    pipeline.drop("free.csv", with_columns(order(3), "x", free))
    staged = pipeline.stage("1", Policy(NewColumns.ADD))
    pipeline.merge("1")
    [told] = (warning for warning in staged.warnings if warning.startswith("columns were not added, since the tables"))
    assert set(told.split(": ")[1].split(", ")) == set(taken)
    added = set(pipeline.spark.table(pipeline.tables.orders).columns) - before
    assert added == {"batch_id", "carrier", *map(column_name, free)}
    limit = len(added) + 1
    monkeypatch.setattr(load_batch, "_MAX_ADDED_COLUMNS", limit)
    pipeline.drop("plain.csv", lines(order(2)))
    pipeline.drop("free again.csv", with_columns(order(3, "DELIVERED"), "y", free))
    pipeline.drop("without end.csv", with_columns(order(4), "x", ["b", "c", "d"]))
    staged = pipeline.stage("2", Policy(NewColumns.ADD))
    pipeline.merge("2")
    assert set(pipeline.spark.table(pipeline.tables.orders).columns) - before - added == {"b"}
    assert any(f"have {limit} added ones already: c, d" in warning for warning in staged.warnings)
    columns = ("status", "`this`", "current", "newest", "state", "s", "t", "`grösse`", "id")
    orders = {key: values for key, *values in pipeline.table("orders_table", "tracking_num", *columns)}
    assert orders.keys() == {"T1", "T2", "T3", "T4"}
    assert orders["T3"] == ["DELIVERED", *"yyyyyyyy"]
    history = sorted((row.tracking_num, row.status) for row in pipeline.table("orders_history"))
    assert history == [("T1", "SHIPPED"), ("T2", "SHIPPED"), ("T3", "DELIVERED"), ("T4", "SHIPPED")]


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
    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "inspect", counted_otherwise("a.csv", "lone.csv"))
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
    # Nor do they where rows are told of another file, as by a runtime that writes a character of a path otherwise.
    monkeypatch.setattr(order_rows, "_source_file", lambda _: "'somewhere else'")
    pipeline.drop("c.csv", lines(order(1)))
    pipeline.drop("d.csv", lines(order(2)))
    staged = pipeline.stage("2")
    assert [(file.outcome, str(file.reason)[:40]) for file in staged.files] == [
        ("rejected", "it has 1 rows, but 0 were staged and 0 q")
    ] * 2
    assert [row.tracking_num for row in pipeline.table("stage_orders_table")] == ["Tb"]
    with pytest.raises(QualityGateError, match="it has 1 rows, but 0 were staged"):
        pipeline.gate("2")


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
    staged = pipeline.stage()
    assert [file.outcome for file in staged.files] == ["staged", "staged"]
    assert (pipeline.merge().inserted, len(pipeline.table("stage_orders_table")), len(written)) == (3, 3, 2)


def test_a_file_that_is_written_while_it_is_looked_at_or_rejected_is_loaded_by_the_next_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And keeps no other from being loaded."""
    being_written = {name: lines(order(f"{name}\u00fc")).encode() for name in ("sent once.csv", "sent again.csv")}
    for name, whole in being_written.items():
        pipeline.drop(name, whole[: whole.index(b"\xc3") + 1], minutes_ago=11)
    pipeline.drop("a.csv", "no header\n")
    pipeline.drop("b.csv", lines(order(2)))
    inspect, reject = load_batch.inspect, load_batch.reject

    def written_while_looked_at(location: Path, *rest: Any) -> Any:
        try:
            return inspect(location, *rest)
        finally:
            whole = being_written.pop(location.name, None)
            if whole:
                location.write_bytes(whole)
                if location.name == "sent again.csv":  # Then it cannot be put back.
                    pipeline.drop("sent again.csv", lines(order(3)))

    def written_while_rejected(volume: Any, batch_id: str, file: ArrivedFile, *_: Any) -> Any:
        monkeypatch.setattr(load_batch, "reject", reject)
        assert file.path == "a.csv"
        (volume.archive_of(batch_id) / file.path).write_text(lines(order(1)))
        raise LoadError("it is still being written")

    monkeypatch.setattr(load_batch, "inspect", written_while_looked_at)
    monkeypatch.setattr(load_batch, "reject", written_while_rejected)
    staged = pipeline.stage()
    assert {file.path: file.outcome for file in staged.files} == {
        "a.csv": "dropped",
        "b.csv": "staged",
        "sent again.csv": "staged",
        "sent once.csv": "dropped",
    }
    pipeline.load()
    assert set(pipeline.statuses()) == {"Tsent once.csv\u00fc", "Tsent again.csv\u00fc", "T1", "T2", "T3"}


def test_a_lone_carriage_return_loses_no_row_and_a_blank_first_line_is_none(pipeline: Pipeline) -> None:
    pipeline.drop("header.csv", f"{HEADER}\r{lines(order(2), order(3), header=order(1))}")
    pipeline.drop("rows.csv", f"{lines(order(4))}{order(5)}\r{order(6)}\n{order(7)}\n")
    for name, first in {"a": "", "b": " ", "c": "\t", "d": "\r\n"}.items():
        pipeline.drop(
            f"{name}1.csv", f"{first}\r\n{lines(order(f'{name}1'), order(f'{name}2'), end=chr(13) + chr(10))}"
        )
        quoted = order(f"{name}3").replace(f"{name}3 Main Street", '"x"')
        pipeline.drop(f"{name}2.csv", f"{first}\r\n{lines(quoted, order(f'{name}4'))}")
    # The last file is alone in its batch, and might be read by lines.
    staged = pipeline.stage(policy=Policy(max_files_of_a_batch=9))
    pipeline.merge()
    outcomes = {file.path: (file.outcome, file.rows_staged, file.rows_quarantined) for file in staged.files}
    assert outcomes == {
        "header.csv": ("rejected", 0, 0),
        "rows.csv": ("staged", 2, 1),
        **{f"{name}{number}.csv": ("staged", 2, 0) for name in "abcd" for number in (1, 2)},
    }
    assert set(pipeline.statuses()) == {"T4", "T7", *(f"T{name}{number}" for name in "abcd" for number in range(1, 5))}
    [row] = pipeline.table("quarantined_orders_table", "raw_row")
    assert "T5" in row.raw_row and "T6" in row.raw_row
