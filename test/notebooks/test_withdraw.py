"""What counts: a file that is withdrawn never came, and one that is loaded again counts as it was read last."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from crash_scenario import Crash, crashing
from order_tracking.clock import utc_now
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.rule import at_most
from order_tracking.errors import RemovalError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFile, ReplayedFiles, StagedBatch, Withdrawal
from order_tracking.files.landing import list_arrivals
from order_tracking.files.moving import Move, copy_verify_delete, rename
from order_tracking.files.replay_folder import ReplayFolder, first_path, reading_of
from order_tracking.files.volume import Volume, open_volume
from order_tracking.rows.fold_stage import delete_repeats
from order_tracking.rows.remake import what_is_ignored
from order_tracking.tables.job_log import FileOutcome, State
from order_tracking.tasks import load_batch, withdraw
from order_tracking.tasks.replay import ReplaySummary, replay
from order_tracking.tasks.task_run import TaskRun
from order_tracking.tasks.withdraw import WithdrawSummary
from pipeline import Pipeline, lines, order

LATER = "2026-01-03 10:00:00"
STATES = {"first": "MERGED", "wrong": "WITHDRAWN"}


def take_back(pipeline: Pipeline, files: str) -> WithdrawSummary:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    return withdraw.withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", files, pipeline.contract)


def replayed(pipeline: Pipeline, source: str, **chosen: str) -> ReplaySummary:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    return replay(pipeline.spark, pipeline.tables, *places, source, **chosen, contract=pipeline.contract)


def put_back(pipeline: Pipeline, source: str, **chosen: str) -> int:
    return len(replayed(pipeline, source, **chosen).files)


def history(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    columns = ("tracking_num", "status", "CAST(valid_from AS STRING)", "CAST(valid_to AS STRING)", "is_current")
    return sorted(tuple(row) for row in pipeline.table("orders_history", *columns))


def test_withdrawn_files_never_came_and_can_be_loaded_again_and_none_is_where_one_of_them_cannot_be(
    pipeline: Pipeline,
) -> None:
    pipeline.drop("first.csv", lines(order(1)), 60)
    pipeline.drop("a.csv", lines(order(3)))
    pipeline.drop("bad.csv", "no header\n")
    pipeline.run()
    before = (pipeline.orders(), history(pipeline))
    # It updates one order, brings another, repeats what was there, and has a bad row.
    wrong = lines(order(1, "DELIVERED", LATER), order(1), order(2), "bad")
    pipeline.drop("wrong.csv", wrong, 50)
    pipeline.drop("x/b, c.csv", lines(order(4)))
    pipeline.drop("a.csv", lines(order(5)))
    [batch_id] = pipeline.run()[0].batch_ids
    with_it = (pipeline.orders(), history(pipeline), pipeline.quarantine())
    assert with_it[0].keys() == {f"T{number}" for number in range(1, 6)}
    versions = pipeline.versions()

    with pytest.raises(RemovalError) as refused:
        take_back(pipeline, 'wrong.csv, a.csv, "x/b, c.csv", bad.csv, never.csv')
    message = str(refused.value)
    assert "never.csv: no file of that name was ever loaded" in message and "bad.csv: it was rejected" in message
    several = message.split("name one of ")[1].split(";")[0].split(", ")
    assert len(several) == 2 and f"{batch_id}/a.csv" in several
    assert pipeline.statuses().keys() == with_it[0].keys()

    files = f'wrong.csv, {batch_id}/a.csv, "x/b, c.csv"'
    summary = take_back(pipeline, files)
    assert (len(summary.files), summary.rows, str(summary).count("rejected/")) == (3, 6, 3)
    assert pipeline.versions()["orders_table"] == versions["orders_table"] + 1
    assert (pipeline.orders(), history(pipeline)) == before
    assert (pipeline.quarantine(), len(pipeline.table("stage_orders_table"))) == ([], 2)
    [file] = [row for row in pipeline.table("loaded_files_table") if row.path == "wrong.csv"]
    assert (file.state, file.rows_read, file.rows_staged, file.rows_quarantined) == ("WITHDRAWN", 0, 0, 0)
    assert (pipeline.volume / file.moved_to).read_text() == wrong
    assert pipeline.files("rejected")["wrong.csv.reason.txt"].startswith(b"it was withdrawn at ")
    with pytest.raises(RemovalError, match=r"wrong\.csv: it was withdrawn before"):
        take_back(pipeline, "wrong.csv")

    assert put_back(pipeline, "rejected", files=files) == 3
    [again] = pipeline.run()[0].batch_ids
    assert (pipeline.orders(), history(pipeline)) == with_it[:2]
    # By its first name it is told which reading counts now; a name that two files have is refused as before.
    with pytest.raises(RemovalError) as refused:
        take_back(pipeline, f"wrong.csv, {batch_id}/a.csv, a.csv")
    message = str(refused.value)
    for name, path in (("wrong.csv", "wrong.csv"), (f"{batch_id}/a.csv", "a.csv")):
        reading = rf"{again}/replay-files-[^/]+/{batch_id}/{path}"
        assert re.search(rf"{name}: it was loaded again since; withdraw that reading, {reading}(; |$)", message)
    assert re.search(rf"; a\.csv: several files .* one of \S+/a\.csv, {again}/replay-files-\S+/a\.csv$", message)
    assert [reasons for *_, reasons in pipeline.quarantine()] == [reasons for *_, reasons in with_it[2]]


def moving(way: Move) -> Callable[[Volume], Volume]:
    """Stand in for the probe of how files can be moved."""
    return lambda volume: replace(volume, move=way)


def test_the_next_run_finishes_what_was_cut_short_before_any_step(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To carry out a withdrawal is to make the orders again first.
    all_steps = ("remake_orders", "discard_everywhere", "_put_aside", "note_done", "write_job_log")
    ways: dict[str, tuple[Move, tuple[str, ...]]] = {
        "rename": (rename, all_steps),
        # Before and after the file is moved: no other step knows how that is done.
        "copy": (copy_verify_delete, ("_put_aside", "note_done")),
    }
    steps = [f"{name}-{function}" for name, (_, functions) in ways.items() for function in functions]
    for step in steps:
        pipeline.drop(f"{step}/first.csv", lines(order(step)), 60)
        wrong = lines(order(step, "DELIVERED", LATER), order(f"{step}2"), "bad")
        pipeline.drop(f"{step}/wrong.csv", wrong, 50)
    pipeline.run()
    for name, (way, functions) in ways.items():
        monkeypatch.setattr(Volume, "probed", moving(way))
        for function in functions:
            with monkeypatch.context() as patch:
                # The job log is written before it begins as well.
                dies = Mock(side_effect=[None, Crash]) if function == "write_job_log" else crashing
                patch.setattr(withdraw, function, dies)
                with pytest.raises(Crash):
                    take_back(pipeline, f"{name}-{function}/wrong.csv")
        pipeline.run()
    assert (pipeline.statuses(), pipeline.quarantine()) == ({f"T{step}": "SHIPPED" for step in steps}, [])
    assert len(pipeline.table("stage_orders_table")) == len(steps)
    states = {f"{step}/{name}.csv": [state] for step in steps for name, state in STATES.items()}
    assert pipeline.states() == states
    assert pipeline.files("archive").keys() == {f"{step}/first.csv" for step in steps}
    assert {path for path in pipeline.files("rejected") if path.endswith(".csv")} == states.keys() - {
        f"{step}/first.csv" for step in steps
    }
    monkeypatch.setattr(withdraw, "carry_out", crashing)
    pipeline.stage()  # Nothing is left to do.


def test_a_withdrawal_waits_for_a_batch_to_be_closed_and_sees_no_rows_of_one_without_an_end(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("wrong.csv", lines(order(1)), 60)
    pipeline.stage()
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Checkpoint, "close", crashing)
        pipeline.merge()
    # It would be merged once more.
    with pytest.raises(RemovalError, match="run the load job first"):
        take_back(pipeline, "wrong.csv")
    pipeline.run()
    pipeline.drop("next.csv", lines(order(1, "DELIVERED", LATER)))
    write_stage = load_batch.write_stage

    def written_and_crashing(*args: Any) -> None:
        write_stage(*args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(load_batch, "write_stage", written_and_crashing)
        with pytest.raises(Crash):
            pipeline.stage()
    take_back(pipeline, "wrong.csv")
    assert pipeline.statuses() == {}
    pipeline.run()
    assert pipeline.statuses() == {"T1": "DELIVERED"}


def with_time_format(pattern: str) -> Contract:
    formats = {"last_update_timestamp": (pattern,)}
    return replace(ORDERS, columns=tuple(replace(each, formats=formats.get(each.name, ())) for each in ORDERS.columns))


def test_what_is_read_of_a_file_that_is_loaded_again_counts_forwards_and_backwards(pipeline: Pipeline) -> None:
    """By a contract that had day and month the wrong way round."""
    pipeline.contract = with_time_format("MM/dd/yyyy")
    pipeline.drop("other.csv", lines(order(1, "DELIVERED", "2026-01-05 10:00:00")), 60)
    pipeline.drop("wrong.csv", lines(order(1, "LOST", "03/01/2026"), order(2, "NEW", "01/02/2026")), 50)
    pipeline.run()
    assert pipeline.statuses() == {"T1": "LOST", "T2": "NEW"}
    pipeline.contract = with_time_format("dd/MM/yyyy")
    assert put_back(pipeline, "archive") == 2
    assert put_back(pipeline, "archive") == 0  # They are on their way.
    with pytest.raises(
        RemovalError, match=r"wrong\.csv: it is about to be loaded or merged again; run the load job first"
    ):
        take_back(pipeline, "wrong.csv")
    before = pipeline.versions()["orders_table"]
    _, merged = pipeline.run()
    assert pipeline.versions()["orders_table"] == before + 1
    assert pipeline.statuses() == {"T1": "DELIVERED", "T2": "NEW"}
    assert history(pipeline) == [
        ("T1", "DELIVERED", "2026-01-05 10:00:00", None, True),
        ("T1", "LOST", "2026-01-03 00:00:00", "2026-01-05 10:00:00", False),
        ("T2", "NEW", "2026-02-01 00:00:00", None, True),
    ]
    assert len(pipeline.table("stage_orders_table")) == 3
    assert sorted(row.state for row in pipeline.table("loaded_files_table")) == ["MERGED"] * 2 + ["SUPERSEDED"] * 2
    assert merged.outdated + merged.unchanged + merged.inserted + merged.updated == merged.rows_taken == 3


def test_of_the_readings_of_a_file_one_counts_however_often_it_was_rejected_and_whichever_was_withdrawn(
    pipeline: Pipeline,
) -> None:
    header = "tracking_num,status,last_update_timestamp"
    pipeline.drop("rejected once.csv", lines("T1,NEW,2026-01-02", "bad", header=header), 60)
    pipeline.drop("rejected twice.csv", lines("T2,NEW,2026-01-02", header=header))
    pipeline.drop("withdrawn.csv", lines("T3,NEW,2026-01-02", header=header))
    files = ["rejected once.csv", "rejected twice.csv", "withdrawn.csv"]
    [batch_id] = pipeline.run()[0].batch_ids
    before = pipeline.contract
    pipeline.contract = replace(ORDERS, columns=tuple(replace(column, required=True) for column in ORDERS.columns))
    assert put_back(pipeline, "archive") == 3
    staged, _ = pipeline.run()
    assert [file.outcome for file in staged.files] == ["rejected"] * 3
    # The earlier reading counts where the file is rejected now, until that is loaded.
    assert pipeline.statuses() == {"T1": "NEW", "T2": "NEW", "T3": "NEW"}
    states = pipeline.states()
    assert [states[path] for path in files] == [["MERGED"]] * 3

    assert put_back(pipeline, "archive", files="rejected twice.csv") == 1
    pipeline.drop("later.csv", lines("T1,O1,NEW,A Street,2026-01-02,2026-01-02,2026-01-02"), 30)
    staged, _ = pipeline.run()
    assert sorted(file.outcome for file in staged.files) == ["rejected", "staged"]
    pipeline.contract = before
    take_back(pipeline, f"{batch_id}/withdrawn.csv")

    # Each once, of one or two rejected readings. What people took back they have to name, whatever became of it since.
    summary = replayed(pipeline, "rejected")
    assert sorted(map(first_path, summary.files)) == ["rejected once.csv", "rejected twice.csv"]
    assert (summary.withdrawn, summary.left) == ((f"{batch_id}/withdrawn.csv",), {})
    assert f"Stays withdrawn: {batch_id}/withdrawn.csv" in str(summary)
    summary = replayed(pipeline, "rejected", files="withdrawn.csv")
    assert list(map(reading_of, summary.files)) == [(batch_id, "withdrawn.csv")]  # Not the one that was rejected.
    # They are on their way.
    assert (put_back(pipeline, "rejected"), put_back(pipeline, "archive", files=",".join(files))) == (0, 0)
    pipeline.run()
    assert put_back(pipeline, "rejected") == 0
    staged_of = [first_path(row._source_file) for row in pipeline.table("stage_orders_table")]
    assert sorted(staged_of) == ["later.csv", *files]
    # It is no younger for all that: of two states of one time and status the one that was sent later wins.
    assert pipeline.orders()["T1"][3] == "A Street"
    assert [first_path(path) for path, _, _ in pipeline.quarantine()] == ["rejected once.csv"]
    states_of: dict[str, list[str]] = {}
    counting = []
    for row in pipeline.table("loaded_files_table"):
        states_of.setdefault(first_path(row.path), []).append(row.state)
        if row.state == "MERGED" and first_path(row.path) in ("rejected twice.csv", "withdrawn.csv"):
            counting.append(row.path)
    assert sorted(states_of["rejected once.csv"]) == ["MERGED", "REJECTED", "SUPERSEDED"]
    assert states_of["later.csv"] == ["MERGED"]

    # What is withdrawn can always be put back, whatever its earlier readings were.
    assert len(counting) == 2
    take_back(pipeline, ",".join(counting))
    assert pipeline.statuses() == {"T1": "NEW"}
    assert put_back(pipeline, "rejected", files=",".join(counting)) == 2
    pipeline.run()
    assert pipeline.statuses() == {"T1": "NEW", "T2": "NEW", "T3": "NEW"}


def test_an_order_is_made_again_whose_row_the_fold_has_left_to_another_file(pipeline: Pipeline) -> None:
    for name in ("first.csv", "second.csv"):
        pipeline.drop(name, lines(order(1), order(name)))
        pipeline.run()
    assert delete_repeats(pipeline.spark, ORDERS, pipeline.tables, None, utc_now() + timedelta(days=1)) == 1
    pipeline.contract = replace(ORDERS, rules=(at_most("address", 5),))
    for name in ("first.csv", "second.csv"):
        assert put_back(pipeline, "archive", files=name) == 1
        pipeline.run()
        for note in (pipeline.checkpoint / "loaded").iterdir():  # As after an hour.
            note.unlink()
    assert (pipeline.statuses(), history(pipeline)) == ({}, [])


def test_a_batch_that_begins_and_ends_beside_what_is_made_again_is_noticed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)

    def claimed() -> Claim:
        claim = Claim(new_batch_id(utc_now()), "run", ())
        checkpoint.claim(claim)
        return claim

    def ended(claim: Claim) -> None:
        checkpoint.stage(StagedBatch(claim.batch_id, ()))
        checkpoint.close(claim.batch_id)

    ended(claimed())
    open_batch = claimed()
    seen = what_is_ignored(checkpoint, utc_now)
    assert seen.is_still_all(checkpoint, utc_now)
    another = claimed()
    assert not seen.is_still_all(checkpoint, utc_now)  # Its rows may have been seen.
    ended(another)
    assert not seen.is_still_all(checkpoint, utc_now)  # They may not have been.
    seen = what_is_ignored(checkpoint, utc_now)
    ended(open_batch)
    assert not seen.is_still_all(checkpoint, utc_now)


def test_a_withdrawal_is_known_for_an_hour_and_as_long_as_a_file_may_come_that_it_meets(tmp_path: Path) -> None:
    checkpoint, now = Checkpoint(tmp_path), utc_now()
    later = now + timedelta(hours=2)
    files = [FileOutcome(new_batch_id(now), name, State.MERGED, "1", 1, now) for name in ("a.csv", "b.csv")]
    for file in files:
        checkpoint.withdraw(Withdrawal(new_batch_id(now), (file,), "it was wrong", is_done=True))
    replayed = ReplayedFile("replay-files-1/a.csv", "a.csv", now, may_be_bad=True, supersedes=files[0])
    checkpoint.note_replay("replay-files-1", ReplayedFiles((replayed,)))
    assert len(checkpoint.withdrawals(now)) == 2
    assert [each.files for each in checkpoint.withdrawals(later)] == [(files[0],)]
    os.utime(tmp_path / "replays" / "replay-files-1.json", (0, 0))
    checkpoint.forget_replays(tmp_path / "landing")
    assert checkpoint.withdrawals(later) == []


def test_a_correction_is_compared_with_what_counts(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with what is being withdrawn, nor with a batch that has not come to its end."""

    def drop(name: str, address: str, numbers: tuple[int, ...], minutes_ago: float) -> None:
        rows = (order(number).replace(f"{number} Main", address) for number in numbers)
        pipeline.drop(name, lines(*rows), minutes_ago)

    def addresses() -> list[str | None]:
        return [values[3] for _, values in sorted(pipeline.orders().items())]

    for name, numbers, minutes_ago in (("first.csv", (1, 2), 60), ("withdrawn.csv", (1,), 10)):
        drop(name, "B", numbers, minutes_ago)
        pipeline.load()
    drop("corrected.csv", "A", (1, 2), 30)
    pipeline.stage()
    drop("without an end.csv", "B", (2,), 10)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Checkpoint, "stage", crashing)
        pipeline.stage()
    # Its withdrawal has made the order again, and not come to its rows yet.
    [leaving] = [file for batch in Checkpoint(pipeline.checkpoint).loaded() for file in batch.files][:1]
    assert leaving.path == "withdrawn.csv"
    withdrawal = Withdrawal(new_batch_id(utc_now()), (leaving,), "it was wrong")
    Checkpoint(pipeline.checkpoint).withdraw(withdrawal)
    pipeline.merge()
    assert addresses() == ["A Street", "A Street"]
    pipeline.run()
    assert addresses() == ["A Street", "B Street"]


@contextmanager
def without_record(*_: Any) -> Iterator[TaskRun]:
    """A run that is killed before it tells what it did."""
    yield TaskRun("withdrawal", "withdraw", utc_now())


def test_what_is_being_withdrawn_is_not_put_back_until_that_is_done(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are rows of a file that is not in the archive any more, or a file that grows meanwhile."""
    bad = "2026-01-01", "sometime"
    for name in ("noted", "moved"):
        pipeline.drop(f"{name}.csv", lines(order(name), order(f"{name}2").replace(*bad)))
    pipeline.drop("gone.csv", lines(order("gone").replace(*bad)))
    pipeline.drop("grown.csv", lines(order("grown")))
    pipeline.run()
    [archived] = (pipeline.volume / "archive").rglob("gone.csv")
    archived.unlink()
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(withdraw, "carry_out", crashing)
        take_back(pipeline, "noted.csv,gone.csv,grown.csv")
    # To the rejected ones, and nobody has told of it.
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(withdraw, "without_rows", Mock(side_effect=Crash))
        patch.setattr(withdraw, "task_run", without_record)
        take_back(pipeline, "moved.csv")
    assert pipeline.files("rejected").keys() == {"moved.csv", "moved.csv.reason.txt"}
    [archived] = (pipeline.volume / "archive").rglob("grown.csv")
    archived.write_text(f"{archived.read_text()}{order('grown2')}\n")

    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for source, name in (("archive", "noted.csv"), ("quarantine", "noted.csv"), ("rejected", "moved.csv")):
        summary = replay(pipeline.spark, pipeline.tables, *places, source, files=name, contract=pipeline.contract)
        assert (summary.files, summary.left) == ((), {name: "it is being withdrawn; run the load job first"})
    assert put_back(pipeline, "quarantine") == 0
    for _ in range(2):
        pipeline.run()
        assert (pipeline.statuses(), history(pipeline), pipeline.quarantine()) == ({}, [], [])
        assert pipeline.table("stage_orders_table") == []
    assert pipeline.states() == {f"{name}.csv": ["WITHDRAWN"] for name in ("noted", "moved", "gone", "grown")}
    assert put_back(pipeline, "rejected", files="noted.csv,moved.csv") == 2
    pipeline.run()
    assert pipeline.statuses() == {"Tnoted": "SHIPPED", "Tmoved": "SHIPPED"}


def test_what_is_withdrawn_while_a_replay_puts_it_back_is_not_loaded(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.run()
    note = ReplayFolder.note

    def noted_before_it_is_withdrawn(*args: Any) -> None:
        note(*args)
        take_back(pipeline, "a.csv")

    copied: list[Path] = []
    monkeypatch.setattr(ReplayFolder, "note", noted_before_it_is_withdrawn)
    # As where the copy was made a moment before the file was moved away.
    monkeypatch.setattr(ReplayFolder, "copy", lambda folder, source, path: copied.append(pipeline.drop(path, content)))
    content = pipeline.files("archive")["a.csv"]
    assert put_back(pipeline, "archive") == 1
    monkeypatch.undo()
    pipeline.drop("b.csv", lines(order(3)))
    # Also where a run dies which has claimed it.
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(load_batch, "take", crashing)
        pipeline.stage()
    staged, _ = pipeline.run()
    assert sorted(file.outcome for file in staged.files) == ["rejected", "staged"]
    assert pipeline.statuses() == {"T3": "SHIPPED"}
    assert sorted(states for states in pipeline.states().values()) == [["MERGED"], ["REJECTED"], ["WITHDRAWN"]]
    assert put_back(pipeline, "rejected") == 0
    assert put_back(pipeline, "rejected", files="a.csv") == 1  # Of two, which are one file.
    pipeline.run()
    assert pipeline.statuses() == {"T1": "SHIPPED", "T3": "SHIPPED"}
    assert len(pipeline.table("stage_orders_table")) == 2


def test_a_batch_loads_nothing_that_was_withdrawn_whoever_claimed_it(tmp_path: Path) -> None:
    """As one that was claimed by another version, or that was found again."""
    volume, checkpoint, now = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint"), utc_now()
    batch_id, sent_at = new_batch_id(now), now - timedelta(days=3)
    withdrawn = [FileOutcome(batch_id, name, State.MERGED, "1", 1, sent_at) for name in ("a.csv", "b.csv")]
    checkpoint.withdraw(Withdrawal(new_batch_id(now), tuple(withdrawn), "it was wrong", is_done=True))
    whole = ReplayedFile(f"replay-files-1/{batch_id}/a.csv", "a.csv", sent_at, True, supersedes=withdrawn[0])
    rows = ReplayedFile(f"replay-rows-1/{batch_id}/b.csv", "b.csv", sent_at, True)
    for each in (whole, rows):
        (volume.landing / each.path).parent.mkdir(parents=True)
        (volume.landing / each.path).write_text(lines(order(1)))
    claim = Claim(new_batch_id(now), "run", tuple(list_arrivals(volume.landing).files))
    checkpoint.claim(claim)
    replayed = {each.path: each for each in (whole, rows)}
    loader = load_batch.BatchLoader(
        *(Mock(), ORDERS, Mock(), volume, checkpoint, load_batch.Policy(), replayed), lambda _: nullcontext()
    )
    files = loader.load(claim, now).staged.files
    assert {file.path: (file.state, file.modified_at, file.reason) for file in files} == {
        whole.path: (
            *(State.REJECTED, sent_at),
            "what was read of it before was withdrawn while it was put back; `replay` can load the withdrawn file, "
            f"{batch_id}/a.csv",
        ),
        rows.path: (
            *(State.REJECTED, sent_at),
            f"the file of its rows, {batch_id}/b.csv, was withdrawn while these were put back; `replay` can load them "
            "after all",
        ),
    }


def test_what_is_put_back_or_was_merged_again_while_a_withdrawal_chooses_or_is_noted_is_not_withdrawn(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"T1": "merged while it chooses.csv", "T2": "while it chooses.csv", "T3": "while it is noted.csv"}
    files["T4"] = "not in the ledger.csv"
    for number, name in enumerate(files.values(), 1):
        pipeline.drop(name, lines(order(number)))
    pipeline.run()

    def refused(name: str, after: str, why: str, *, is_merged: bool) -> None:
        """Put a file back right after a step of its withdrawal."""
        function = getattr(withdraw, after)

        def then_it_is_put_back(*args: Any) -> Any:
            result = function(*args)
            assert put_back(pipeline, "archive", files=name) == 1
            if is_merged:
                pipeline.run()
            return result

        with monkeypatch.context() as patch:
            patch.setattr(withdraw, after, then_it_is_put_back)
            with pytest.raises(RemovalError, match=rf"nothing was withdrawn: {name}: it {why}"):
                take_back(pipeline, name)

    refused(files["T1"], "_choose", "was loaded again since; withdraw that reading", is_merged=True)
    refused(files["T2"], "_choose", "is about to be loaded or merged again", is_merged=False)
    refused(files["T3"], "new_batch_id", "is about to be loaded or merged again", is_merged=False)
    # As where the run of the load job has not come to its last task, or was killed before that.
    assert put_back(pipeline, "archive", files=files["T4"]) == 1
    pipeline.stage("again")
    pipeline.merge("again")
    again = rf"{files['T4']}: it was loaded again since; withdraw that reading, \S+/{files['T4']}"
    with pytest.raises(RemovalError, match=again):
        take_back(pipeline, files["T4"])
    states = pipeline.states()
    assert [states[path] for path in files.values()] == [["SUPERSEDED"]] * 4
    assert sorted(states.values()) == [["MERGED"]] * 4 + [["SUPERSEDED"]] * 4
    assert pipeline.statuses() == dict.fromkeys(files, "SHIPPED")


@pytest.mark.parametrize("folder", ["replay-rows-2", "replay-files-2"])
def test_a_file_whose_rows_are_being_loaded_again_without_it_cannot_be_withdrawn(tmp_path: Path, folder: str) -> None:
    volume, checkpoint, now = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint"), utc_now()
    first, second = new_batch_id(now), new_batch_id(now)
    path = volume.landing / f"{folder}/{second}/replay-rows-1/{first}/a.csv"
    path.parent.mkdir(parents=True)
    path.touch()
    checkpoint.claim(Claim(new_batch_id(now), "run", tuple(list_arrivals(volume.landing).files)))
    again = withdraw._counting_again(volume, checkpoint)
    assert {(first, "a.csv"), (second, f"replay-rows-1/{first}/a.csv")} - again.keys() == set()


def test_a_withdrawal_is_known_as_long_as_rows_of_its_file_may_be_loaded_without_it(tmp_path: Path) -> None:
    checkpoint, now = Checkpoint(tmp_path), utc_now()
    withdrawn = [FileOutcome(new_batch_id(now), f"{name}.csv", State.MERGED, "id", 9, now) for name in "ab"]
    for file in withdrawn:
        checkpoint.withdraw(Withdrawal(new_batch_id(now), (file,), "it was wrong", is_done=True))
    folder = f"replay-rows-1/{withdrawn[0].batch_id}"
    put_back = ReplayedFile(f"{folder}/a.csv", "a.csv", now, may_be_bad=True)
    checkpoint.note_replay("replay-rows-1", ReplayedFiles((put_back,)))
    later = now + timedelta(days=1)
    assert checkpoint.withdrawn_files(later) == {(withdrawn[0].batch_id, "a.csv")}
