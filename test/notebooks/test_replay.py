import errno
import os
import re
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from crash_scenario import Crash, crashing
from order_tracking.contract.contract import Contract
from order_tracking.contract.orders import ORDERS
from order_tracking.contract.rule import one_of
from order_tracking.errors import ParameterError, QualityGateError, ReplayError
from order_tracking.files import replay_folder
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, ReplayedFile, ReplayedFiles
from order_tracking.files.landing import list_arrivals, reason_of
from order_tracking.files.replay_folder import (
    ReplayFolder,
    being_replayed,
    finish_replays,
    first_path,
    readings_before,
)
from order_tracking.files.volume import open_volume
from order_tracking.tasks import replay as replaying
from order_tracking.tasks import source_to_stage
from order_tracking.tasks.load_batch import Policy
from order_tracking.tasks.replay import ReplaySummary, named_files, replay
from order_tracking.tasks.withdraw import withdraw
from pipeline import HEADER, Pipeline, lines, order


def put_back(pipeline: Pipeline, source: str, **chosen: str) -> ReplaySummary:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    return replay(pipeline.spark, pipeline.tables, *places, source, **chosen, contract=pipeline.contract)


def with_german_dates() -> Contract:
    formats = {"received_date": ("dd.MM.yyyy",)}
    return replace(ORDERS, columns=tuple(replace(each, formats=formats.get(each.name, ())) for each in ORDERS.columns))


def test_quarantined_rows_are_loaded_after_a_fix_and_leave_with_their_file(pipeline: Pipeline) -> None:
    """Of a file that is not in the archive any more, the rows alone are loaded again."""
    unsplit = ("cannot be split", '{"looks": "like JSON"')
    for name in ("gone", "kept"):
        bad = [order(f"{name}{number}").replace("2026-01-01", day) for number, day in ((1, "01.01.2026"), (2, "soon"))]
        pipeline.drop(f"{name}.csv", lines(*bad, *unsplit, order(f"{name}3")))
    old, new = (order("place").replace("place Main", address) for address in ("Old", "New"))
    pipeline.drop("place.csv", lines(old, new.replace("2026-01-01", "01.01.2026")))
    # A row that may have swallowed others stays in the quarantine.
    stray = [f'"{order(f"stray{number}")}' for number in (1, 3)]
    pipeline.drop("stray.csv", lines(order("stray0"), stray[0], order("stray2"), stray[1], order("stray4")))
    swallowing: tuple[str, int, list[tuple[str | None, str]]] = ("stray.csv", 2, [(None, "malformed")])
    pipeline.run()
    before = pipeline.orders()
    assert set(before) == {"Tgone3", "Tkept3", "Tplace", "Tstray0", "Tstray4"}
    assert before["Tplace"][3] == "Old Street"
    assert [row for row in pipeline.quarantine() if row[0] == "stray.csv"] == [swallowing]
    pipeline.contract = with_german_dates()
    [archived] = (pipeline.volume / "archive").rglob("gone.csv")
    archived.unlink()
    summary = put_back(pipeline, "quarantine")
    folders = {Path(path).name: path.split("-2")[0] for path in summary.files}
    whole = "replay-files-archive"
    assert folders == {"gone.csv": "replay-rows", "kept.csv": whole, "place.csv": whole}
    assert summary.rows_left == 5
    assert put_back(pipeline, "quarantine").files == ()  # It is on its way.
    pipeline.run(Policy(max_bad_rows_percent=10))
    after = pipeline.orders()
    assert set(after) == {"Tgone1", "Tgone3", "Tkept1", "Tkept3", "Tplace", "Tstray0", "Tstray4"}
    # Of two rows of one time, the later one in the file.
    assert after["Tplace"][3] == "New Street"
    assert [Path(row._source_file).name for row in pipeline.table("stage_orders_table")].count("place.csv") == 2
    quarantined = pipeline.quarantine()
    assert swallowing in quarantined
    broken = sorted((Path(path).name, rule) for path, _, reasons in quarantined for _, rule in reasons)
    rules = ("malformed", "malformed", "type")
    of_both = [(name, rule) for name in ("gone.csv", "kept.csv") for rule in rules]
    assert broken == [*of_both, ("stray.csv", "malformed")]
    # There are two readings of the first one, and one of the others.
    [place] = [path for path in summary.files if path.endswith("/place.csv")]
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", f"gone.csv,{place}", pipeline.contract)
    assert set(pipeline.statuses()) == {"Tkept1", "Tkept3", "Tstray0", "Tstray4"}
    left = {"kept.csv", "stray.csv"}
    assert {Path(path).name for path, _, _ in pipeline.quarantine()} == left
    assert {Path(row._source_file).name for row in pipeline.table("stage_orders_table")} == left


def test_a_move_whose_outcome_is_not_known_removes_no_file(tmp_path: Path) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    rejected = tmp_path / "rejected.csv"
    rejected.write_text("all there is")

    def moved_and_interrupted(source: Path, target: Path) -> bool:
        source.replace(target)
        raise KeyboardInterrupt

    folder = ReplayFolder(replace(volume, move=moved_and_interrupted), checkpoint, datetime.now(timezone.utc))
    with pytest.raises(KeyboardInterrupt):
        folder.move(rejected, folder.path_of("batch", "rejected.csv"))
    assert [path.read_text() for path in volume.landing.rglob(".*.csv")] == ["all there is"]


def test_a_rejected_file_that_cannot_be_moved_can_be_put_back_at_the_next_try(tmp_path: Path) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    batch_id = new_batch_id(datetime.now(timezone.utc))
    rejected = volume.rejected_of(batch_id) / "a.csv"
    rejected.parent.mkdir(parents=True)
    rejected.write_text("all there is")

    def copied_in_part(source: Path, target: Path) -> bool:
        target.write_text("all")
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = ReplayFolder(replace(volume, move=copied_in_part), checkpoint, datetime.now(timezone.utc))
    path = folder.path_of(batch_id, "a.csv")
    folder.note([ReplayedFile(path, "a.csv", datetime.now(timezone.utc), False)])
    with pytest.raises(OSError, match="No space left"):
        folder.move(rejected, path)
    assert (rejected.read_text(), being_replayed(volume, checkpoint)) == ("all there is", set())


def test_rows_leave_the_quarantine_in_one_commit_but_for_a_file_that_cannot_be_put_back_and_are_not_judged_twice(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv", "x/it's.csv"):
        pipeline.drop(name, lines(order(1), order(2).replace("2026-01-01", "sometime")))
    pipeline.run()
    before, version = pipeline.quarantine(), pipeline.versions()["quarantined_orders_table"]
    assert len(before) == 3

    def refusing(self: ReplayFolder, source: Path, path: str) -> None:
        if source.name == "a.csv":
            raise PermissionError(errno.EACCES, "Permission denied")
        copy(self, source, path)

    def refusing_rows(rows: list[dict[str, str]], target: Path) -> None:
        if target.name == ".a.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_csv(rows, target)

    copy, write_csv = ReplayFolder.copy, replaying._write_csv
    with monkeypatch.context() as patch:
        patch.setattr(ReplayFolder, "copy", refusing)
        patch.setattr(replaying, "_write_csv", refusing_rows)
        with pytest.raises(ReplayError, match=r"1 files could not be put back, 2 were; .*/a\.csv: Permission denied"):
            put_back(pipeline, "archive")
        landed = sorted(first_path(file.path) for file in list_arrivals(pipeline.landing).files)
        assert landed == ["b.csv", "x/it's.csv"]
        for path in ("archive", "file_arrival"):
            shutil.rmtree(pipeline.volume / path)
        with pytest.raises(ReplayError, match=r"2 were; .*/a\.csv: No space left on device"):
            put_back(pipeline, "quarantine")
    assert [path for path, _, _ in pipeline.quarantine()] == ["a.csv"]
    assert pipeline.versions()["quarantined_orders_table"] == version + 1
    noted = Checkpoint(pipeline.checkpoint).replayed().values()
    # What of a.csv may yet be loaded is in quarantine as well until then.
    assert [file.sent_as for file in noted if file.in_quarantine] == ["a.csv"]
    [a] = put_back(pipeline, "quarantine").files
    assert (first_path(a), pipeline.quarantine()) == ("a.csv", [])
    pipeline.stage("again")
    pipeline.merge("again")
    # All that was read is bad, as it was before.
    assert pipeline.gate("again", max_quarantined_percent=0).rows_quarantined == 3
    assert [reasons for _, _, reasons in pipeline.quarantine()] == [reasons for _, _, reasons in before]


def test_a_replay_that_was_cut_short_leaves_no_row_in_quarantine_twice(pipeline: Pipeline) -> None:
    bad = lines(order(2).replace("2026-01-01", "sometime"))
    for name in ("a.csv", "b.csv", "c.csv"):
        pipeline.drop(name, bad)
    pipeline.load()
    [batch_id] = {row._batch_id for row in pipeline.table("quarantined_orders_table")}

    def cut_short(folder: str, *names: str) -> str:
        """Leave only the first of these files in the landing directory, and the rows of all in the quarantine."""
        paths = [f"{folder}/{batch_id}/{name}" for name in names]
        files = (ReplayedFile(path, "sent.csv", datetime.now(timezone.utc), True, in_quarantine=True) for path in paths)
        Checkpoint(pipeline.checkpoint).note_replay(folder, ReplayedFiles(tuple(files)))
        pipeline.drop(paths[0], bad)
        return paths[0]

    a = cut_short("replay-20260101T000000Z-abcdef", "a.csv", "b.csv")
    pipeline.stage()
    assert [path for path, _, _ in pipeline.quarantine()] == ["b.csv", "c.csv", a]
    # It may be replayed again before it is loaded.
    c = cut_short("replay-20260102T000000Z-abcdef", "c.csv", "b.csv")
    [b] = put_back(pipeline, "quarantine", files="b.csv,c.csv").files
    assert b.endswith("/b.csv")
    pipeline.load()
    assert [path for path, _, _ in pipeline.quarantine()] == sorted([a, b, c])


def test_what_was_cut_short_while_it_was_put_back_is_finished_or_is_where_it_was(tmp_path: Path) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    batch_id = new_batch_id(datetime.now(timezone.utc))
    source = volume.archive_of(batch_id) / "in part.csv"
    source.parent.mkdir(parents=True)
    source.write_text("whole")
    rejected = volume.rejected_of(batch_id) / "rejected.csv"
    rejected.parent.mkdir(parents=True)
    rejected.write_text("whole")
    reason_of(rejected).touch()
    for folder in ("replay-files-old", "replay-files-young", "replay-rows-old"):
        paths = [f"{folder}/{batch_id}/{name}.csv" for name in ("in part", "moved", "copied", "done", "rejected")]
        files = (ReplayedFile(path, "sent.csv", datetime.now(timezone.utc), True) for path in paths)
        checkpoint.note_replay(folder, ReplayedFiles(tuple(files)))
        directory = volume.landing / folder / batch_id
        directory.mkdir(parents=True)
        (directory / ".in part.csv").write_text("who")
        (directory / ".rejected.csv").write_text("who")
        (directory / ".moved.csv").write_text("whole")
        (directory / ".copied.csv").write_text("whole")
        (directory / "copied.csv").write_text("who")
        (directory / ".done.csv").write_text("whole")
        (directory / "done.csv").write_text("whole")
    (volume.landing / "replay-files-old" / ".not of a batch").touch()
    assert list_arrivals(volume.landing).files == []
    for folder in ("replay-files-old", "replay-rows-old"):
        os.utime(tmp_path / "checkpoint" / "replays" / f"{folder}.json", (0, 0))
    finish_replays(volume, checkpoint)
    found = [file.path for file in list_arrivals(volume.landing).files]
    # One that was not moved yet may be a part. Of rows, they are still in quarantine; of a file, it is where it was.
    assert found == [
        *(f"replay-files-old/{batch_id}/{name}.csv" for name in ("copied", "done", "in part", "moved", "rejected")),
        *(f"replay-rows-old/{batch_id}/{name}.csv" for name in ("copied", "done")),
    ]
    assert {(volume.landing / path).read_text() for path in found} == {"whole"}
    assert list(rejected.parent.iterdir()) == []
    assert len([path for path in volume.landing.rglob(".*.csv")]) == 5  # Those of the young one.


def test_archived_files_that_are_loaded_again_are_no_younger_and_leave_the_quarantine_as_it_was(
    pipeline: Pipeline,
) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad", order(2).replace("2026-01-01", "soon")))
    pipeline.drop("b.csv", lines(order(3)).rstrip(), 60)  # Without a line end a new file would have to wait.
    pipeline.drop("old.csv", lines(order(4).replace("4 Main", "Z")), minutes_ago=60)
    pipeline.drop("corrected.csv", lines(order(4).replace("4 Main", "A")), minutes_ago=30)
    pipeline.run()
    before = [reasons for _, _, reasons in pipeline.quarantine()]
    # A client's folder that is named like one of a replay is none, and its file may not be as bad as those.
    pipeline.drop("replay-20260101T000000Z-abcdef/x/a.csv", lines("bad", order(5)))
    for files_of_the_client in (1, 0):  # The second time, also what was loaded again before.
        assert len(put_back(pipeline, "archive").files) == 4
        staged, merged = pipeline.run(Policy(max_bad_rows_percent=10))
        assert sorted(file.outcome for file in staged.files) == ["rejected"] * files_of_the_client + ["staged"] * 4
        assert (merged.inserted, merged.updated) == (0, 0)
        assert [reasons for _, _, reasons in pipeline.quarantine()] == before
        orders = pipeline.orders()
        assert (set(orders), orders["T4"][3]) == ({"T1", "T3", "T4"}, "A Street")
        history = pipeline.table("orders_history")
        assert [row.address for row in history if row.tracking_num == "T4"] == ["A Street"]


def test_a_file_with_more_bad_rows_than_before_is_judged_as_a_new_one_and_its_orders_stay(pipeline: Pipeline) -> None:
    """So a rule that is too narrow takes no good order out of the table without anybody being told."""
    bad = order(4).replace("2026-01-01", "sometime")
    pipeline.drop("a.csv", lines(order(1), order(2), order(3), bad))
    pipeline.run()
    before = (pipeline.orders(), pipeline.quarantine(), pipeline.files("archive"))
    pipeline.contract = replace(ORDERS, rules=(*ORDERS.rules, one_of("status", "DELIVERED", "RETURNED")))
    for source in ("quarantine", "archive"):
        assert len(put_back(pipeline, source).files) == 1
        pipeline.load(Policy(max_bad_rows_percent=50), source)
        with pytest.raises(QualityGateError, match="4 of its 4 rows are bad, more than the 50 % that are allowed"):
            pipeline.gate(source, max_rejected_files=0)
        assert (pipeline.orders(), pipeline.quarantine(), pipeline.files("archive")) == before
    # Where the environment lets any share through, the gate tells people.
    put_back(pipeline, "archive")
    pipeline.load(Policy(max_bad_rows_percent=100), "loose")
    with pytest.raises(QualityGateError, match="4 of 4 rows are in quarantine, more than the 50 % that are allowed"):
        pipeline.gate("loose", max_quarantined_percent=50)
    assert pipeline.orders() == {}
    # What the last reading said counts, and by it fewer rows are bad now.
    pipeline.contract = ORDERS
    put_back(pipeline, "quarantine")
    pipeline.load(Policy(max_bad_rows_percent=0), "mended")
    assert pipeline.gate("mended", max_quarantined_percent=0).rows_quarantined == 1
    assert pipeline.orders() == before[0]


def test_a_path_in_a_clients_folder_that_is_named_like_a_replay_tells_of_no_reading() -> None:
    assert readings_before("replay-files-2026/north/a.csv") == []


def test_a_copy_without_a_line_end_is_as_young_as_what_its_sender_wrote(tmp_path: Path) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    source, now = tmp_path / "source.csv", datetime.now(timezone.utc)
    source.write_text("a,b\n1,2")
    folder = ReplayFolder(volume, checkpoint, now)
    old, young = (folder.path_of("batch", name) for name in ("old.csv", "written to just now.csv"))
    sent_at = {old: now - timedelta(hours=1), young: now}
    folder.note(ReplayedFile(path, "sent.csv", sent, may_be_bad=False) for path, sent in sent_at.items())
    for path in sent_at:
        folder.copy(source, path)
    arrived = list_arrivals(volume.landing).files
    assert {file.path for file in arrived} == sent_at.keys()
    assert source_to_stage._unfinished(volume.landing, arrived, checkpoint.replayed(), now).keys() == {young}


def test_files_are_named_as_in_a_line_of_csv() -> None:
    assert named_files('a.csv, x/b c.csv ,,"d, e.csv", "with "" and\r\n.csv"') == [
        *("a.csv", "x/b c.csv", "d, e.csv", 'with " and\r\n.csv')
    ]
    assert named_files(" ") == []
    for wrong in ('"a.csv, b.csv', '"q".csv'):
        with pytest.raises(ParameterError, match="files is no line of CSV"):
            named_files(wrong)


def test_rejected_files_are_loaded_after_a_fix_and_one_that_grew_twice_counts_once(pipeline: Pipeline) -> None:
    """Also the last reading of a file that grew twice, which takes the place of the one before."""

    def states_of_grown() -> list[str]:
        return [way[-1] for path, way in pipeline.states().items() if first_path(path) == "grown.csv"]

    pipeline.drop("grown.csv", lines(order(4)))
    pipeline.run()
    [archived] = (pipeline.volume / "archive").rglob("grown.csv")
    archived.write_text(f"{archived.read_text()}{order(5)}\n")
    pipeline.run(Policy(max_bad_rows_percent=10))  # What is put back is loaded by the same run.
    archived.write_text(f"{archived.read_text()}{order(6).replace('2026-01-01', '01.01.2026')}\n")
    german = lines(order(1).replace("2026-01-01", "01.01.2026"), order(3))
    pipeline.drop("a.csv", german)
    pipeline.drop("x/b.csv", lines(order(2), header=HEADER.replace("status", "stage")))
    pipeline.run(Policy(max_bad_rows_percent=10))
    assert states_of_grown() == ["SUPERSEDED", "MERGED", "REJECTED"]
    assert set(pipeline.statuses()) == {"T4", "T5"}
    pipeline.contract = with_german_dates()
    assert put_back(pipeline, "rejected", files="c.csv").files == ()
    summary = put_back(pipeline, "rejected")
    assert (len(summary.files), summary.left) == (3, {})
    assert pipeline.files("rejected") == {}
    staged, _ = pipeline.run(Policy(max_bad_rows_percent=10))
    assert sorted((first_path(file.path), file.outcome) for file in staged.files) == [
        ("a.csv", "staged"),
        ("grown.csv", "staged"),
        ("x/b.csv", "rejected"),
    ]
    assert set(pipeline.statuses()) == {"T1", "T3", "T4", "T5", "T6"}
    assert "its header lacks status" in next(
        text.decode() for path, text in pipeline.files("rejected").items() if path.endswith(".reason.txt")
    )
    assert states_of_grown() == ["SUPERSEDED", "SUPERSEDED", "REJECTED", "MERGED"]
    staged_of = [first_path(row._source_file) for row in pipeline.table("stage_orders_table")]
    assert sorted(staged_of) == ["a.csv"] * 2 + ["grown.csv"] * 3


def test_a_file_of_one_batch_is_loaded_again_without_those_of_its_name(pipeline: Pipeline) -> None:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    bad = lines(order(1).replace("2026-01-01", "sometime"), order(2))
    pipeline.drop("a.csv", bad)
    [monday] = pipeline.stage().batch_ids
    pipeline.drop("a.csv", bad)
    pipeline.drop("b.csv", lines(order(3)))
    [friday] = pipeline.stage().batch_ids
    for file in list((pipeline.volume / "archive").rglob("a.csv")):
        file.unlink()
    [rows] = put_back(pipeline, "quarantine", files=f"{friday}/a.csv").files  # Of a batch that is not merged yet.
    assert rows.endswith(f"/{friday}/a.csv")
    assert {row._batch_id for row in pipeline.table("quarantined_orders_table")} == {monday}
    pipeline.merge()
    withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "b.csv", pipeline.contract)

    pipeline.drop("b.csv", "colour\nred\n")
    [rejected] = [file for file in pipeline.stage().files if file.path == "b.csv"]
    [path] = put_back(pipeline, "rejected", files=f"{rejected.batch_id}/b.csv").files
    assert path.endswith(f"/{rejected.batch_id}/b.csv")
    assert set(pipeline.files("rejected")) == {"b.csv", "b.csv.reason.txt"}  # The one that was withdrawn.


def test_archived_files_are_loaded_again_by_day_and_by_name_and_not_before_they_are_loaded_to_their_end(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("a.csv", lines(order(1), order(3).replace("2026-01-01", "sometime")))
    pipeline.drop("x/b.csv", lines(order(2)))
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Checkpoint, "stage", crashing)
        pipeline.stage()
    assert len(pipeline.quarantine()) == 1
    for load in (lambda: None, pipeline.stage):  # Killed before it was staged, and staged by a run that goes on.
        load()
        for source in ("quarantine", "archive"):
            assert put_back(pipeline, source).files == ()
    pipeline.merge()
    assert (set(pipeline.statuses()), len(pipeline.quarantine())) == ({"T1", "T2"}, 1)

    pipeline.spark.sql(f"DELETE FROM {pipeline.tables.orders}").collect()
    assert put_back(pipeline, "archive", until="2020-01-01").files == ()
    assert put_back(pipeline, "archive", since="2999-01-01").files == ()
    [only] = put_back(pipeline, "archive", files="x/b.csv", since="2020-01-01", until=str(date.max)).files
    assert only.endswith("/x/b.csv")
    _, merged = pipeline.run()
    assert (merged.inserted, set(pipeline.statuses())) == (1, {"T2"})
    assert len(pipeline.table("stage_orders_table")) == 2
    # What was read of x/b.csv at first does not count any more, and its name is that of what was read of it last.
    summary = put_back(pipeline, "archive", files="x/b.csv,c.csv")
    assert [path.endswith(f"/{only}") for path in summary.files] == [True]
    assert summary.left == {"c.csv": "it is not in archive/"}
    assert "Not put back: c.csv: it is not in archive/." in str(summary)
    batch_id = only.split("/")[1]
    summary = put_back(pipeline, "archive", files=f"{batch_id}/x/b.csv")
    assert (summary.files, summary.left) == ((), {f"{batch_id}/x/b.csv": "it is about to be loaded again"})
    [again] = put_back(pipeline, "archive").files
    assert again.endswith("/a.csv")


def test_a_file_with_the_longest_name_there_may_be_is_put_back(tmp_path: Path) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    batch_id, name = new_batch_id(datetime.now(timezone.utc)), f"{'x' * 251}.csv"
    source = volume.archive_of(batch_id) / name
    source.parent.mkdir(parents=True)
    source.write_text("whole")
    folder = ReplayFolder(volume, checkpoint, datetime.now(timezone.utc))
    path = folder.path_of(batch_id, name)
    folder.note([ReplayedFile(path, name, datetime.now(timezone.utc), True)])

    def in_part(target: Path) -> None:
        target.write_text("who")
        (volume.landing / path).write_text("w")
        raise Crash

    with pytest.raises(Crash):
        folder.write(path, in_part)
    assert list_arrivals(volume.landing).files == []
    os.utime(tmp_path / "checkpoint" / "replays" / f"{folder.name}.json", (0, 0))
    (volume.landing / path).unlink()
    assert finish_replays(volume, checkpoint) == []
    assert (volume.landing / path).read_text() == "whole"
    assert [file.path for file in list_arrivals(volume.landing).files] == [path]


def test_rows_are_put_back_by_the_name_that_their_file_was_sent_with_unless_its_path_would_be_too_long(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv"):
        pipeline.drop(name, lines(order(1), order(2).replace("2026-01-01", "sometime")))
    pipeline.run()

    def put_back_on_a_short_path(source: str, files: str) -> ReplaySummary:
        with monkeypatch.context() as patch:
            patch.setattr(replay_folder, "_MAX_PATH_LENGTH", 100)
            return put_back(pipeline, source, files=files)

    [path] = put_back_on_a_short_path("quarantine", "a.csv").files
    assert first_path(path) == "a.csv"
    pipeline.run()
    too_long = r"its path would be too long \(\d+ characters; each reading makes it longer\): have it sent anew under "
    for is_archived in (True, False):
        summary = put_back_on_a_short_path("quarantine", "a.csv")
        # Only of what counts is known that it can be withdrawn.
        why = rf"{too_long}a shorter one{'; withdraw it before that' if is_archived else ''}"
        assert (summary.files, summary.left.keys()) == ((), {"a.csv"})
        assert re.fullmatch(why, summary.left["a.csv"])
        if is_archived:
            assert re.fullmatch(why, put_back_on_a_short_path("archive", path).left[path])
            assert len(Checkpoint(pipeline.checkpoint).replayed()) == 1
            # Where the path may be longer, the name is still the one that it was sent with.
            [again] = put_back(pipeline, "quarantine", files="a.csv").files
            assert again.endswith(f"/{path}")
            shutil.rmtree(pipeline.volume / "archive")
    assert put_back(pipeline, "quarantine", files="c.csv").left == {"c.csv": "no row of that file can be put back"}
    of_files = [first_path(path) for path, _, _ in pipeline.quarantine()]
    assert (len(Checkpoint(pipeline.checkpoint).replayed()), sorted(of_files)) == (2, ["a.csv", "b.csv"])


def test_a_file_that_is_claimed_while_it_is_looked_for_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, checkpoint = open_volume(str(tmp_path / "volume")), Checkpoint(tmp_path / "checkpoint")
    batch_id = new_batch_id(datetime.now(timezone.utc))
    folder = ReplayFolder(volume, checkpoint, datetime.now(timezone.utc))
    path = folder.path_of(batch_id, "a.csv")
    folder.note([ReplayedFile(path, "a.csv", datetime.now(timezone.utc), True)])
    folder.write(path, Path.touch)
    under_way = checkpoint.under_way

    def claimed_afterwards() -> list[Any]:
        found = under_way()
        checkpoint.claim(Claim(batch_id, "run", tuple(list_arrivals(volume.landing).files)))
        (volume.landing / path).unlink()
        return found

    monkeypatch.setattr(checkpoint, "under_way", claimed_afterwards)
    assert being_replayed(volume, checkpoint) == {(batch_id, "a.csv")}


@pytest.mark.parametrize(
    ("source", "since", "message"),
    [
        ("trash", "", "source is 'trash'; it must be archive, quarantine or rejected"),
        ("archive", "soon", "since is 'soon'"),
    ],
)
def test_a_wrong_choice_is_refused(pipeline: Pipeline, source: str, since: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        put_back(pipeline, source, since=since)
