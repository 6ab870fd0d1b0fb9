"""An order that is erased is nowhere: a search over all bytes of all files proves it."""

import gzip
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from crash_scenario import Crash, crashing
from order_tracking.clock import utc_now
from order_tracking.contract.orders import ORDERS
from order_tracking.errors import QualityGateError, RemovalError
from order_tracking.files.batch import new_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim, Erasure, StagedBatch
from order_tracking.files.claimed_files import outcome, take
from order_tracking.files.erased_files import (
    FoundFile,
    Search,
    clean_lone_reasons,
    finish_rewriting,
    rewrite_file,
    search_files,
    without_shown_rows,
)
from order_tracking.files.landing import list_arrivals, look_at, reason_of
from order_tracking.files.moving import copy_verify_delete
from order_tracking.files.order_records import OrderRecords
from order_tracking.files.volume import Volume
from order_tracking.parameters import CutRows
from order_tracking.tables.folded_files import create_folded_files, fold_files
from order_tracking.tables.job_log import State
from order_tracking.tables.tables import Tables, replace_views
from order_tracking.tasks import erase
from order_tracking.tasks.erase import ErasureReport
from order_tracking.tasks.late_writes import put_back_what_grew
from order_tracking.tasks.load_batch import MAX_DESCRIBED_CHARACTERS, Policy
from order_tracking.tasks.replay import replay
from order_tracking.tasks.task_run import MAX_ERROR_CHARACTERS, task_run, write_job_log
from order_tracking.tasks.upkeep import upkeep
from order_tracking.tasks.withdraw import withdraw
from pipeline import Pipeline, lines, order
from pyspark.errors import AnalysisException

LATER = "2026-01-03 10:00:00"
#: Values that no other order has.
SECRETS = ("T77777", "O77777", "77777 Main Street", "someday77777", "77777 Sécret Lane", r"77777 S\xe9cret Lane")


def purge_only(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Let an erasure purge only these tables, and say only of them how long their old versions are kept.

    That of all five takes longer than all the rest of it.
    """
    patch.setattr(Tables, "stored", property(lambda tables: tuple(getattr(tables, name) for name in names)))


@pytest.fixture
def no_purge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes the longest, where a test looks at something else."""
    purge_only(monkeypatch)


def erase_order(pipeline: Pipeline, key: str = "T77777") -> ErasureReport:
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    return erase.erase(pipeline.spark, pipeline.tables, *places, "erasure", key, 7, pipeline.contract)


def drop_files(pipeline: Pipeline) -> None:
    """The order is the first and the last of a file, in quarantine, in a rejected file and in one without a header."""
    secret = order(77777)
    pipeline.drop("first.csv", lines(secret, order(1)), 60)
    pipeline.drop("last.csv", lines(order(2), order(77777, "DELIVERED", LATER).replace("Main", "Main\u00a0")), 50)
    pipeline.drop("bad/rows.csv", lines(secret.replace("2026-01-01", "someday77777"), order(3), f"{secret},more"), 40)
    pipeline.drop("mostly_bad.csv", lines("bad", "worse", secret.replace("2026-01-01", "someday77777"), order(4)), 30)
    lane = secret.replace("Main Street", "Sécret Lane")
    pipeline.drop("no_header.csv", f"{lane}\n{order(5)}\n", 20)
    pipeline.drop("latin.csv", lines(lane, order(6)).encode("cp1252"), 10)
    pipeline.run(Policy(max_bad_rows_percent=70))


def files_with(directory: Path, *texts: str) -> list[str]:
    """The files that have one of these texts in their bytes, or in what they hold where it is packed."""

    def content(path: Path) -> bytes:
        if path.suffix == ".parquet":
            return repr(parquet.read_table(path).to_pylist()).encode()
        return path.read_bytes()

    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and any(text.encode() in found for found in [content(path)] for text in texts)
    )


def test_an_erased_order_is_in_no_byte_of_any_file(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    drop_files(pipeline)
    fold_files(pipeline.spark, pipeline.tables.job_log, pipeline.tables.folded_files, until=utc_now())
    replace_views(pipeline.spark, ORDERS, pipeline.tables)
    # As of large tables, whose files are not written anew with each merge, after a night that clustered them together.
    for table in (pipeline.tables.stage, pipeline.tables.orders):
        pipeline.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')").collect()
        pipeline.spark.sql(f"OPTIMIZE {table}").collect()
    archived = pipeline.files("archive")
    report = erase_order(pipeline)
    removed = {place.name: place.removed for place in report.places}
    assert removed == {
        "orders_table": 1,
        "stage_orders_table": 2,
        "quarantined_orders_table": 2,
        "job_log_table": 2,
        "folded_files_table": 3,
        "archive/": 4,
        "rejected/": 3,
        "checkpoint": 1,
    }
    assert (report.unsearched, report.waiting) == ({}, ())
    assert all(place.old_versions_until for place in report.places if place.name.endswith("_table"))
    assert pipeline.files("archive") == {
        "first.csv": lines(order(1)).encode(),
        "last.csv": lines(order(2)).encode(),
        "bad/rows.csv": lines(order(3)).encode(),
    }
    assert archived.keys() == pipeline.files("archive").keys()
    rejected = pipeline.files("rejected")
    assert rejected["mostly_bad.csv"] == lines("bad", "worse", order(4)).encode()
    assert rejected["no_header.csv"] == f"{order(5)}\n".encode()
    # Files that were written anew are none that their senders wrote to.
    assert pipeline.stage().files == ()
    pipeline.spark.sql(f"ALTER TABLE {pipeline.tables.orders} CLUSTER BY NONE").collect()  # As a kill leaves it.
    with monkeypatch.context() as patch:
        purge_only(patch, "orders")
        again = erase_order(pipeline)
    assert {(place.removed, place.old_versions_until) for place in again.places} == {(0, None)}
    assert f"may be in old versions until the upkeep of {again.old_versions_until}" in str(again)
    [detail] = pipeline.spark.sql(f"DESCRIBE DETAIL {pipeline.tables.orders}").collect()
    assert detail.clusteringColumns == ["tracking_num"]
    assert set(pipeline.statuses()) == {"T1", "T2", "T3"}
    assert [row.tracking_num for row in pipeline.table("orders_history")].count("T77777") == 0
    tables = Path(detail.location[5:]).parents[1]
    schemas = list(tables.glob(f"{pipeline.schema}*.db"))
    let_old_versions_expire(pipeline, schemas)
    places = [pipeline.volume, pipeline.checkpoint, *schemas]
    assert len(places) == 4
    assert [files_with(place, *SECRETS) for place in places] == [[]] * 4


def test_a_table_that_somebody_else_owns_is_told_where_it_may_still_have_what_is_deleted(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    purge_only(monkeypatch, "stage", "orders")
    pipeline.drop("a.csv", lines(order(1), order(2)))
    pipeline.load()
    orders, sql = pipeline.tables.orders, pipeline.spark.sql
    sql(f"ALTER TABLE {orders} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')").collect()

    def refusing(query: str, *args: Any, **kwargs: Any) -> Any:
        if "CLUSTER BY NONE" in query:
            raise AnalysisException("[INSUFFICIENT_PERMISSIONS] User is not an owner")
        return sql(query, *args, **kwargs)

    monkeypatch.setattr(pipeline.spark, "sql", refusing)
    report = erase_order(pipeline, "T1")
    assert "User is not an owner" in report.unsearched.pop(orders)
    assert report.unsearched == {}
    assert set(pipeline.statuses()) == {"T2"}


def copied_in_part(source: Path, target: Path) -> bool:
    """Where nothing can be renamed."""
    target.write_bytes(source.read_bytes()[:10])
    raise Crash


def test_the_next_run_finishes_what_was_cut_short_before_any_step(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    purge_only(monkeypatch, "orders")
    pipeline.drop("a.csv", lines(order(1), order(2), f"{order(1)},too many"))
    pipeline.drop("b.csv", lines(order(1), order(3)))
    pipeline.load()
    erase_it: Callable[[], object] = partial(erase_order, pipeline, "T1")
    # At the last step one file is put into its place in part, and the other one is not written yet.
    for step in ("search_files", "erase_texts", "erase_rows", "erase_quarantined", "in part"):
        with monkeypatch.context() as patch:
            if step == "in part":
                patch.setattr(Volume, "probed", lambda self: replace(self, move=copied_in_part))
            else:
                patch.setattr(erase, step, crashing)
            with pytest.raises(Crash):
                erase_it()
        erase_it = pipeline.stage
    parts = [path.stat().st_size for path in (pipeline.volume / "archive").rglob("?.csv")]
    assert sorted(parts)[0] == 10 < sorted(parts)[1]
    pipeline.stage()
    assert set(pipeline.statuses()) == {"T2", "T3"}
    assert (pipeline.quarantine(), len(pipeline.table("stage_orders_table"))) == ([], 2)
    assert pipeline.files("archive") == {"a.csv": lines(order(2)).encode(), "b.csv": lines(order(3)).encode()}
    assert files_with(pipeline.volume, "T1,") + files_with(pipeline.checkpoint, '"T1"') == []


@pytest.mark.usefixtures("no_purge")
def test_an_erasure_waits_for_loads_tells_what_it_cannot_search_and_forgets_what_was_cut_short(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(pipeline.checkpoint)
    pipeline.drop("a.csv", lines(order(1)))
    pipeline.drop("workbook.csv", b"PK\x03\x04 T1\n")
    pipeline.load()
    # Nothing is erased while files are loaded.
    pipeline.drop("other.csv", lines(order(2)))
    pipeline.stage()
    with pytest.raises(RemovalError, match="run the load job first"):
        erase_order(pipeline, "T1")
    pipeline.merge()
    # One that is cut short is forgotten once it is done again.
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(erase, "erase_rows", crashing)
        erase_order(pipeline, " T1\u200b")
    other = Erasure(new_batch_id(utc_now()), "T2")
    checkpoint.erase(other)
    # What waits, or cannot be searched, is told.
    pipeline.drop("waits.csv", lines(order(1)))
    pipeline.drop("replay-files-1/.put back.csv", lines(order(1)))
    pipeline.drop("packed.csv.gz", gzip.compress(lines(order(1)).encode()))
    pipeline.drop(".DS_Store", b"\0\0\0\x01Bud1\0")
    report = erase_order(pipeline, "T1")
    assert [path.rsplit("/", 1)[1] for path in report.unsearched] == ["workbook.csv", "packed.csv.gz"]
    assert report.waiting == ("replay-files-1/.put back.csv", "waits.csv")
    assert "waits.csv" in str(report)
    assert checkpoint.erasures() == [other]
    with pytest.raises(RemovalError, match="name the order to erase"):
        erase_order(pipeline, " \u200b\ufeff")
    assert checkpoint.erasures() == [other]
    checkpoint.claim(Claim(new_batch_id(datetime.now(timezone.utc)), "run", ()))
    with pytest.raises(RemovalError, match="run the load job first"):
        erase_order(pipeline, "T1")


@pytest.mark.usefixtures("no_purge")
def test_what_was_told_of_a_file_is_erased_after_it_was_loaded_again(pipeline: Pipeline) -> None:
    # One of its values is a word that is also told of another file.
    bad = order(77777).replace("2026-01-01", "someday77777").replace("77777 Main Street", "allowed")
    pipeline.drop("rejected.csv", lines("bad", bad))
    pipeline.drop("other.csv", lines("bad", "worse"))
    pipeline.run(Policy(max_bad_rows_percent=50))
    fold_files(pipeline.spark, pipeline.tables.job_log, pipeline.tables.folded_files, until=utc_now())
    assert told_of(pipeline, "someday77777") == ["folded_files_table", "job_log_table"]
    places = (str(pipeline.volume), str(pipeline.checkpoint))
    for allowed_percent in (50, 100):  # Rejected once more, then archived.
        replay(pipeline.spark, pipeline.tables, *places, "rejected", contract=pipeline.contract)
        pipeline.load(Policy(max_bad_rows_percent=allowed_percent))
    assert len(pipeline.files("archive")) == 2
    erase_order(pipeline)
    assert told_of(pipeline, "someday77777") == []
    assert files_with(pipeline.checkpoint, "someday77777") == []
    assert told_of(pipeline, "that are allowed") == ["folded_files_table", "job_log_table"]


@pytest.mark.usefixtures("no_purge")
def test_a_fold_that_read_the_job_log_before_it_was_changed_brings_nothing_back(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.drop("rejected.csv", lines("bad", order(77777).replace("2026-01-01", "someday77777")))
    pipeline.run(Policy(max_bad_rows_percent=50))
    create_folded_files(pipeline.spark, pipeline.tables.folded_files)
    reads, goes_on = tmp_path / "reads", tmp_path / "goes on"

    def wait(run_id: str) -> bool:
        reads.touch()
        while not goes_on.exists():
            time.sleep(0.05)
        return True

    pipeline.spark.udf.register("wait", wait, "boolean")
    slow = f"(SELECT * FROM {pipeline.tables.job_log} WHERE wait(run_id))"
    erase_rows = erase.erase_rows
    with ThreadPoolExecutor(1) as pool:
        until = utc_now() + timedelta(days=1)
        fold = pool.submit(fold_files, pipeline.spark, slow, pipeline.tables.folded_files, until)

        def after_fold(*args: Any) -> int:
            goes_on.touch()
            fold.result()
            return erase_rows(*args)

        try:
            while not reads.exists():
                assert not fold.done(), fold.result()
                time.sleep(0.05)
            with monkeypatch.context() as patch:
                patch.setattr(erase, "erase_rows", after_fold)
                erase_order(pipeline)
        finally:
            goes_on.touch()
    assert len(pipeline.table("folded_files_table")) == 1
    assert told_of(pipeline, "someday77777") == []


@pytest.mark.usefixtures("no_purge")
def test_a_run_that_finishes_an_erasure_tells_nothing_of_what_it_rejected(pipeline: Pipeline) -> None:
    Checkpoint(pipeline.checkpoint).erase(Erasure(new_batch_id(utc_now()), "T77777"))
    pipeline.drop("rejected.csv", lines("bad", order(77777).replace("2026-01-01", "someday77777")))
    pipeline.drop("staged.csv", lines(order(77777, "left with Mrs 77777"), order(1, "left at the door")))
    staged, _ = pipeline.run(Policy(max_bad_rows_percent=50))
    assert [file.outcome for file in staged.files] == ["rejected", "staged"]
    [warning] = staged.warnings
    assert "LEFT AT THE DOOR" in warning.upper()
    secrets = ("someday77777", "Mrs 77777", "MRS 77777")
    assert [secret for secret in secrets if secret in str(staged)] == []
    assert told_of(pipeline, *secrets) == []
    assert set(pipeline.statuses()) == {"T1"}
    assert files_with(pipeline.volume, "someday77777") == []


@pytest.mark.usefixtures("no_purge")
def test_what_is_withdrawn_or_loaded_beside_an_erasure_brings_nothing_back(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(pipeline.checkpoint)
    pipeline.drop("first.csv", lines(order(1), order(2)), 60)
    pipeline.drop("wrong.csv", lines(order(1, "DELIVERED", LATER)), 50)
    pipeline.drop("a.csv", lines(order(11), order(12)), 40)
    pipeline.load()
    erase_rows, erased, search = erase.erase_rows, [], erase.search_files

    def beside_a_withdrawal(*args: Any) -> int:
        if erased:
            monkeypatch.setattr(erase, "erase_rows", erase_rows)
            places = (str(pipeline.volume), str(pipeline.checkpoint))
            withdraw(pipeline.spark, pipeline.tables, *places, "withdrawal", "wrong.csv", pipeline.contract)
        erased.append(args)
        return erase_rows(*args)

    monkeypatch.setattr(erase, "erase_rows", beside_a_withdrawal)
    with pytest.raises(RemovalError, match=r"wrong\.csv was moved meanwhile"):
        erase_order(pipeline, "T1")
    assert set(pipeline.statuses()) == {"T2", "T11", "T12"}
    pipeline.stage()
    assert checkpoint.erasures() == []
    assert files_with(pipeline.volume, "T1,") == []
    assert sorted(row.tracking_num for row in pipeline.table("stage_orders_table")) == ["T11", "T12", "T2"]

    # What a load brings that began meanwhile is erased at its end.
    b = pipeline.drop("b.csv", lines(order(11, "DELIVERED", LATER), order(13))).read_bytes()

    def beside_a_load(volume: Volume, *args: Any) -> Search:
        monkeypatch.setattr(erase, "search_files", search)
        claim = Claim(new_batch_id(utc_now()), "beside", tuple(list_arrivals(volume.landing).files))
        checkpoint.claim(claim)
        for file in claim.files:
            take(volume, checkpoint, claim, file)
        return search(volume, *args)

    monkeypatch.setattr(erase, "search_files", beside_a_load)
    assert erase_order(pipeline, "T11").waiting == ("b.csv",)
    assert pipeline.files("archive")["b.csv"] == b  # A run is about to read it.
    pipeline.load()
    assert set(pipeline.statuses()) == {"T2", "T12", "T13"}
    assert pipeline.files("archive")["b.csv"] == lines(order(13)).encode()
    assert checkpoint.erasures() == []


def archived(directory: Path, text: str) -> tuple[Volume, FoundFile]:
    volume, batch_id = Volume(directory), new_batch_id(utc_now())
    location = volume.archive_of(batch_id) / "a.csv"
    location.parent.mkdir(parents=True)
    location.write_text(text)
    return volume, FoundFile(location, batch_id, "a.csv", ())


def test_a_file_that_is_withdrawn_while_it_is_written_anew_is_not_there_twice(tmp_path: Path) -> None:
    volume, file = archived(tmp_path, lines(order(1), order(2)))
    rejected = volume.rejected_of(file.batch_id) / file.path
    rejected.parent.mkdir(parents=True)
    with pytest.raises(FileNotFoundError):
        rewrite_file(volume, file, OrderRecords(ORDERS, "T1"), str, lambda *_: file.location.replace(rejected) and None)
    assert (file.location.exists(), rejected.read_text()) == (False, lines(order(1), order(2)))


def test_an_erasure_takes_nothing_back_that_another_one_did_beside_it(tmp_path: Path) -> None:
    volume, file = archived(tmp_path / "volume", lines(order(1), order(22), order(3)))
    checkpoint, arrived = Checkpoint(tmp_path / "checkpoint"), look_at(file.location.parent, file.path)
    assert arrived
    checkpoint.note_loaded(StagedBatch(file.batch_id, (outcome(file.batch_id, arrived, State.STAGED),)))
    note = partial(checkpoint.note_rewritten, file.batch_id, file.path, str)
    beside = [partial(rewrite_file, volume, file, OrderRecords(ORDERS, "T22"), str, note)]

    def note_beside(*sizes: int) -> None:
        note(*sizes)
        if beside:
            beside.pop()()

    rewrite_file(volume, file, OrderRecords(ORDERS, "T1"), str, note_beside)
    assert (beside, file.location.read_text()) == ([], lines(order(3)))
    [batch] = checkpoint.loaded()
    assert [each.size_bytes for each in batch.files] == [file.location.stat().st_size]  # No sender wrote to it.


def test_what_its_sender_writes_while_it_is_written_anew_is_found(tmp_path: Path) -> None:
    volume, file = archived(tmp_path / "volume", lines(order(1), order(2)))
    checkpoint, arrived = Checkpoint(tmp_path / "checkpoint"), look_at(file.location.parent, file.path)
    assert arrived
    checkpoint.note_loaded(StagedBatch(file.batch_id, (outcome(file.batch_id, arrived, State.STAGED),)))
    written = [lines(order(1), order(2), order(3))]  # In the end it is as long as it was.

    def note(*sizes: int) -> None:
        checkpoint.note_rewritten(file.batch_id, file.path, str, *sizes)
        if written:
            file.location.write_text(written.pop())

    rewrite_file(volume, file, OrderRecords(ORDERS, "T1"), str, note)
    put_back_what_grew(volume, checkpoint, utc_now())
    [again] = [path for path in volume.landing.rglob("*") if path.is_file()]
    assert again.read_text() == file.location.read_text() == lines(order(2), order(3))


def test_what_an_erasure_left_of_a_file_is_made_whole_before_it_is_moved_or_read(pipeline: Pipeline) -> None:
    """As where an erasure is killed in the middle of a copy."""
    withdrawn, replayed = lines(*map(order, range(9))), lines(*map(order, range(10, 19)))
    pipeline.drop("withdrawn.csv", withdrawn)
    pipeline.drop("replayed.csv", replayed)
    pipeline.load()

    def leave_in_part(name: str) -> None:
        [file] = (pipeline.volume / "archive").rglob(name)
        whole = file.read_text()
        left = pipeline.volume / ".erasing" / "0" / file.relative_to(pipeline.volume)
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text(whole)
        file.write_text(whole[:200])

    def texts(directory: str, name: str) -> list[str]:
        return [path.read_text() for path in (pipeline.volume / directory).rglob(name)]

    places = (pipeline.spark, pipeline.tables, str(pipeline.volume), str(pipeline.checkpoint))
    leave_in_part("withdrawn.csv")
    withdraw(*places, "withdrawal", "withdrawn.csv")
    assert texts("rejected", "withdrawn.csv") == [withdrawn]
    leave_in_part("replayed.csv")
    replay(*places, "archive")
    assert texts("file_arrival", "replayed.csv") == [replayed]
    assert texts("file_arrival", "withdrawn.csv") == []


def test_what_the_reason_of_a_file_that_is_gone_tells_of_the_order_is_erased(tmp_path: Path) -> None:
    """As where a replay was cut short."""
    folder = Volume(tmp_path).rejected_of(new_batch_id(utc_now()))
    folder.mkdir(parents=True)
    for name, key in {"gone.csv": "T1", "found.csv": "?", "other.csv": "T2", "there.csv": "T1"}.items():
        (folder / f"{name}.reason.txt").write_text(f"it is bad; line 2: {key}, 1 Main Street\n")
    (folder / "there.csv").write_text(lines(order(1)))  # Its reason goes with its rows.
    (folder / "removed meanwhile.csv.reason.txt").symlink_to("nowhere")
    of_order = [(folder.name, "found.csv")]  # Its reason shows other values.
    clean_lone_reasons(Volume(tmp_path), of_order, OrderRecords(ORDERS, "T1").is_word_of, without_shown_rows)
    (folder / "removed meanwhile.csv.reason.txt").unlink()
    assert [path.name for path in sorted(folder.rglob("*.txt")) if "Main" in path.read_text()] == [
        *("other.csv.reason.txt", "there.csv.reason.txt")
    ]


def test_a_search_opens_a_file_once_unless_it_may_have_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a year there are hundreds of thousands, and each access of a volume is a round trip."""
    contents = {"other.csv": lines(order(2)), "sent.csv": lines(order(1)), "packed.csv": "PK\3\4", "named.gz": ""}
    for name, content in contents.items():  # Each in a batch of its own.
        batch = Volume(tmp_path).archive_of(new_batch_id(utc_now()))
        batch.mkdir(parents=True)
        (batch / name).write_text(content)
    opened, open_path = [], Path.open
    monkeypatch.setattr(Path, "open", lambda path, *rest: opened.append(path.name) or open_path(path, *rest))
    search = search_files(Volume(tmp_path), "archive", OrderRecords(ORDERS, "T1"))
    assert sorted(opened) == ["named.gz", "other.csv", "packed.csv", "sent.csv", "sent.csv"]
    assert set(search.searched.values()) == contents.keys()
    assert [file.path for file in search.found] == ["sent.csv"]
    assert {place.rsplit("/", 1)[1] for place in search.unsearched} == {"packed.csv", "named.gz"}


def test_a_damaged_file_is_forgotten_in_whatever_way_it_has_the_key(tmp_path: Path) -> None:
    checkpoint, unreadable = Checkpoint(tmp_path), tmp_path / "unreadable"
    unreadable.mkdir()
    of_order = ("K\u00e9-1", r'"K\u00e9-1"', r'"a\nK\u00e9-1', r'"K\u00E9-1 \ud83d')
    for number, text in enumerate((*of_order, r'"K\u00e9-12"', r'"K\\u00e9-1"', "other")):
        (unreadable / str(number)).write_text(text, encoding="utf-8")
    key = OrderRecords(ORDERS, "K\u00e9-1")
    assert checkpoint.forget_key(key.key, key.is_word_of, lambda file: file) == 4
    assert sorted(path.name for path in unreadable.iterdir()) == ["4", "5", "6"]


def test_what_an_erasure_left_that_was_cut_short_brings_nothing_back_that_another_one_took_out(tmp_path: Path) -> None:
    volume, file = archived(tmp_path, lines(order(1), order(22), order(3)))
    with pytest.raises(Crash):
        rewrite_file(replace(volume, move=crashing), file, OrderRecords(ORDERS, "T1"), str, lambda *_: None)
    rewrite_file(volume, file, OrderRecords(ORDERS, "T22"), str, lambda *_: None)
    finish_rewriting(volume)
    assert file.location.read_text() == lines(order(1), order(3))
    assert [path for path in (tmp_path / ".erasing").rglob("*") if path.is_file()] == []


def test_what_another_run_copies_into_a_files_place_is_taken_for_no_whole_file(tmp_path: Path) -> None:
    volume, file = archived(tmp_path, lines(order(1), order(2)))
    volume = replace(volume, move=copy_verify_delete)
    with pytest.raises(RemovalError, match=r"a\.csv is being written by another run"):
        rewrite_file(
            volume, file, OrderRecords(ORDERS, "T1"), str, lambda *_: file.location.write_text("a part") and None
        )
    assert file.location.read_text() == "a part"
    # That of the other run is put into the place; this one has what that took out.
    assert [path for path in (tmp_path / ".erasing").rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("no_purge")
def test_rows_are_told_apart_as_the_records_of_files_are_in_whatever_case_their_key_was_loaded(
    pipeline: Pipeline,
) -> None:
    pipeline.drop("cut.csv", lines(order(1)) + order(2).replace("2 Main", 'T "1 Main'), 60)
    controls = 'T "1\x01SHIPPED,T \x02"1\x1fSHIPPED'
    pipeline.drop("bad.csv", lines('T\u00a0""\u00ad1,too few', '\u00dfT "1,too few', order(3), controls))
    secret = order(77777)
    of_order = (secret, f"{secret},more", secret.replace("2026-01-01", "sometime"))
    pipeline.drop("lower.csv", lines(order(4), *map(str.lower, of_order), f"{order(2)},more".lower()))
    pipeline.load(Policy(cut_rows=CutRows.QUARANTINE))
    of_lower = [("lower.csv", number) for number in (3, 4, 5)]
    assert [row[:2] for row in pipeline.quarantine()] == [
        *(("bad.csv", number) for number in (1, 2, 4)),
        ("cut.csv", 2),
        *of_lower,
    ]
    archived = pipeline.files("archive")
    erase_order(pipeline, 'T "1')
    assert [row[:2] for row in pipeline.quarantine()] == [("bad.csv", 2), ("cut.csv", 2), *of_lower]
    header, _, *others, _ = archived["bad.csv"].splitlines(keepends=True)
    assert pipeline.files("archive") == {**archived, "bad.csv": b"".join([header, *others])}
    # Only since then keys are loaded in one case.
    columns = (replace(each, case="upper") if each.name == ORDERS.key else each for each in ORDERS.columns)
    pipeline.contract = replace(ORDERS, columns=tuple(columns))
    removed = {place.name: place.removed for place in erase_order(pipeline).places}
    assert [removed[f"{name}_table"] for name in ("orders", "stage_orders", "quarantined_orders")] == [1, 1, 2]
    assert set(pipeline.statuses()) == {"T1", "T3", "T4"}
    assert [row[:2] for row in pipeline.quarantine()] == [("bad.csv", 2), ("cut.csv", 2), ("lower.csv", 5)]
    # And from then on they are not: by that contract the file has another order, and the stage says that it had this.
    others = (order(55), order(7).replace("7 Main", "next to t5 7 Main"))
    pipeline.drop("upper.csv", lines(order(5).lower(), *others))
    pipeline.drop("gone.csv", lines(order(6), order(5)))
    pipeline.load()
    pipeline.contract = ORDERS
    [gone] = (path for path in pipeline.volume.rglob("archive/*/*/*/*/gone.csv"))
    gone.write_text(lines(order(6)))
    report = erase_order(pipeline, "T5")
    assert (report.places[1].name, report.places[1].removed, "T5" in pipeline.statuses()) == ("orders_table", 1, False)
    assert pipeline.files("archive")["upper.csv"] == lines(*others).encode()
    [(path, reason)] = report.unsearched.items()
    assert path.endswith("/gone.csv") and "none of its values is the key" in reason


@pytest.mark.usefixtures("no_purge")
def test_a_value_that_was_told_in_part_is_erased(pipeline: Pipeline) -> None:
    pipeline.drop("a.csv", lines(order(77777), order(88888).replace("88888 Main", "shipped again and again 88888")))
    pipeline.stage("run")
    pipeline.merge("run")
    checkpoint = Checkpoint(pipeline.checkpoint)
    room = MAX_ERROR_CHARACTERS - len("QualityGateError: ")
    ends = ("77777 Main", "O88888, shipped again", "shipped")
    whole = ("this one is whole: shipped again and", "shipped again, and more")
    for error in (*(f"{' ' * (room - len(end))}{end} and again" for end in ends), *whole):
        with pytest.raises(QualityGateError), task_run(checkpoint, "run", "quality_gate", utc_now):
            raise QualityGateError(error)
    [batch] = checkpoint.loaded()
    reason = f"it could not be loaded: {'x' * MAX_DESCRIBED_CHARACTERS}, 77777 Main"
    with task_run(checkpoint, "run", "source_to_stage", utc_now) as run:
        run.files.append(replace(batch.files[0], reason=reason))
    write_job_log(pipeline.spark, pipeline.tables.job_log, checkpoint)

    def told() -> set[str]:
        return {row.error[18:].strip() for row in pipeline.table("job_log_table") if row.error}

    assert told() == {*ends, *whole}
    erase_order(pipeline)
    assert told() == {"(erased)", *ends[1:], *whole}
    assert told_of(pipeline, "77777") == []
    erase_order(pipeline, "T88888")
    assert told() == {"(erased)", "(erased), (erased)", "shipped", *whole}


@pytest.mark.usefixtures("no_purge")
def test_what_reasons_show_is_erased_hidden_folders_are_searched_and_names_with_the_key_are_told(
    pipeline: Pipeline,
) -> None:
    # A key that is not ASCII, in a file that is not UTF-8.
    pipeline.drop("latin.csv", lines(order("66666\u00c4"), order(6)).encode("cp1252"))
    # A file whose first line is a row of which a reason shows a value alone, and one that is removed by hand.
    long_address = order(77777).replace("77777 Main Street", "77777 Main Street " * 20)
    pipeline.drop("no_header.csv", f"{long_address}\n{order(5)}\n")
    pipeline.drop("removed by hand.csv", f"{order(77777)}\n".replace("77777 Main Street", "77777 Back Street"))
    # What reasons show has to be known from the reasons, so the row that is staged shares nothing but the key with it.
    of_key = order(77777).replace("O77777", "O9").replace("77777 Main", "9 Main")
    pipeline.drop("of_t77777.csv", lines(of_key, order(1)))
    pipeline.drop("2t77777.csv", lines(order(4)))
    pipeline.drop("T777770 and BT77777.csv", lines(order(3)))  # Other orders.
    pipeline.load()

    def rejected(name: str) -> Path:
        [file] = (pipeline.volume / "rejected").rglob(name)
        return file

    assert "T66666\u00c4" in reason_of(rejected("latin.csv")).read_text()
    removed = rejected("removed by hand.csv")
    assert "77777 Back Street" in reason_of(removed).read_text()
    for path in (removed, reason_of(removed)):
        path.unlink()
    reason = reason_of(rejected("no_header.csv"))
    assert "77777 Main Street" in reason.read_text()
    # As Spark tells of a value that a rule of the contract cannot work with.
    reason.write_text(f"{reason.read_text()}it could not be loaded: [CAST_INVALID_INPUT] The value 'O77777'\n")
    [batch_id] = {row._batch_id for row in pipeline.table("stage_orders_table")}

    assert erase_order(pipeline, "T66666\u00c4").unsearched == {}
    assert files_with(pipeline.volume, "66666") + files_with(pipeline.checkpoint, "66666") == []

    for name in ("_of_77777/orders.csv", "_other/.git/T77777.csv", "_other/last.csv"):
        pipeline.drop(name, lines(order(77777 if name.startswith("_of") else 2)))
    report = erase_order(pipeline)
    assert told_of(pipeline, "T66666", "77777 Main Street", "77777 Back Street") == []
    assert files_with(pipeline.volume, *SECRETS) == ["file_arrival/_of_77777/orders.csv"]
    assert "a name of 359 characters" in reason.read_text()
    assert report.waiting == ("_of_77777/orders.csv",)
    names = ("2t77777.csv", "of_t77777.csv")
    assert {path.rsplit("/", 1)[1] for path in report.unsearched if path.startswith("archive/")} == set(names)
    assert {path for path in report.unsearched if not path.startswith("archive/")} == {
        *("file_arrival/_other/.git/T77777.csv", *(f"{batch_id}/{name}, in the tables" for name in names))
    }
    assert set(report.unsearched.values()) == {"its name has the key"}


@pytest.mark.usefixtures("no_purge")
def test_a_name_that_is_no_text_and_a_value_of_two_lines_stop_no_erasure(pipeline: Pipeline) -> None:
    secret = order(77777).replace("2026-01-01", '"someday\n77777"')
    pipeline.drop(os.fsdecode(b"orders_\xff.csv"), lines(secret))
    pipeline.drop("rejected.csv", lines("bad", secret))
    pipeline.stage("run", Policy(max_bad_rows_percent=50))
    pipeline.merge("run")
    with pytest.raises(QualityGateError, match=r"someday\\n77777"):
        pipeline.gate("run", max_rejected_files=0)
    report = erase_order(pipeline)
    assert {place.name: place.removed for place in report.places if place.removed} == {
        "job_log_table": 3,
        "rejected/": 2,
        "checkpoint": 1,
    }
    assert told_of(pipeline, "someday") == []
    assert files_with(pipeline.volume, "77777") == []


def told_of(pipeline: Pipeline, *texts: str) -> list[str]:
    """The tables that tell one of these texts of a file or a run."""
    names = ("folded_files_table", "job_log_table")
    rows = [f"SELECT '{name}' AS name, to_json(struct(*)) AS told FROM {pipeline.full_name(name)}" for name in names]
    told = pipeline.spark.sql(" UNION ALL ".join(rows)).collect()
    return sorted({name for name, row in told if any(text in row for text in texts)})


def let_old_versions_expire(pipeline: Pipeline, schemas: list[Path]) -> None:
    """Make all that is there ten days older, and let the nightly job delete what is too old, on two nights.

    Delta keeps the log from a checkpoint on that was old enough the night before.
    """
    for _ in range(2):
        for path in (each for directory in schemas for each in directory.rglob("*")):
            os.utime(path, (path.stat().st_mtime - 10 * 86_400,) * 2)
        upkeep(pipeline.spark, pipeline.tables, retention_days=0)
